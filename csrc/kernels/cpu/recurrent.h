// The gates of one time step of a recurrent layer, for some rows of the batch: what recurrent_gates.inc computes.
//
// Rows lie one after the other. A row of gates holds its gates side by side, each as wide as the state: of an LSTM i,
// f, g and o, of gated recurrent units r, z, n and the state's share of n. `x` and `s` are what the input and the state
// before give to them. NULL stands for an optional array that was not given.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

template <class T>
struct LstmStep {
  int64_t rows, width;  // maybe some of a wider state's units:
  int64_t whole;        // how far apart gates are, but in `s`, where they lie side by side; every row is as of these
  const T *x, *s;
  const T* c_prev;  // of the state before
  T *gates, *c, *h;
};

template <class T>
struct LstmGradStep {
  int64_t rows, width;
  const T *grad_output, *grad_cells, *grad_gates;  // optional
  const T *gates, *c, *c_prev;
  const T* dh;  // what the next step gives
  T* dc;        // the same, and then what goes to the step before
  T* grad_x;
  T* h;  // optional: gets o tanh(c)
};

template <class T>
struct GruStep {
  int64_t rows, width;
  const T *x, *s;   // three gates each
  const T* bias;    // optional, of the hidden side
  const T* h_prev;  // of the state before
  T *gates, *h;
};

template <class T>
struct GruGradStep {
  int64_t rows, width;
  const T *grad_output, *grad_gates;  // optional
  const T *gates, *h_prev;
  T* dh;  // what the next step gives, and then what goes past the gates to the step before
  T *grad_x, *grad_hidden;
};

template <class T>
struct RnnStep {
  int64_t count;
  bool relu;
  const T *x, *s;
  T* h;
};

template <class T>
struct RnnGradStep {
  int64_t count;
  bool relu;
  const T* grad_output;  // optional
  const T *h, *dh;
  T* grad_x;
};

// All of them, of one instruction set.
template <class T>
struct RecurrentGates {
  void (*lstm)(const LstmStep<T>&);
  void (*lstm_grad)(const LstmGradStep<T>&);
  void (*gru)(const GruStep<T>&);
  void (*gru_grad)(const GruGradStep<T>&);
  void (*rnn)(const RnnStep<T>&);
  void (*rnn_grad)(const RnnGradStep<T>&);
};

// The best for this machine.
template <class T>
const RecurrentGates<T>& recurrent_gates();

}  // namespace dovetail::cpu
