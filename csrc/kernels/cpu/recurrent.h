// One time step of a recurrent layer for some rows of the batch: what state_product.inc and recurrent_gates.inc
// compute.
//
// Rows lie one after the other. A row of gates holds its gates side by side, each as wide as the state: of an LSTM i,
// f, g and o, of gated recurrent units r, z, n and the state's share of n. NULL stands for an optional array that was
// not given.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

// The right-hand matrix of a product, laid out in panels of this many columns, each stored depth first; what the last
// panel lacks is 0.
template <class T>
constexpr int64_t kPanel = 128 / sizeof(T);

// c = init + a b. A sum goes over its depth in order, whatever the other sizes.
template <class T>
struct StateProduct {
  const T* a;
  int64_t a_row, rows, depth;
  const T* panels;
  int64_t cols;
  const T* init;  // or NULL: 0. May be c.
  int64_t init_row;
  T* c;
  int64_t c_row;
};

template <class T>
struct LstmStep {
  int64_t rows, width;
  T* gates;         // before their activations, which take their place
  const T* c_prev;  // of the state before
  T *c, *h;
};

template <class T>
struct LstmGradStep {
  int64_t rows, width;
  const T *grad_output, *grad_cells, *grad_gates;  // optional
  const T *gates, *c, *c_prev;
  const T* dh;  // what the next step gives
  T* dc;        // the same, and then what goes to the step before
  T* grad_x;
};

template <class T>
struct GruStep {
  int64_t rows, width;
  const T* x;
  const T* bias;    // optional, of the hidden side
  T* gates;         // r and z before their activations, and the state's share of n
  const T* h_prev;  // of the state before
  T* h;
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
  T* h;  // before its activation, which takes its place
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
void state_product(const StateProduct<float>& p);
void state_product(const StateProduct<double>& p);

}  // namespace dovetail::cpu
