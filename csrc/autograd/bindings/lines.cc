// Lines of the user's program, for errors: where a saved tensor was written, and where an op was recorded.
#include "autograd/bindings/python.h"

namespace dovetail::autograd {

namespace {

// "file:7, in train: w += 1"
std::string text(const py::tuple& place) {
  const py::object line = py::module_::import("linecache").attr("getline")(place[0], place[2]).attr("strip")();
  const std::string where = py::str("{}:{}, in {}").format(place[0], place[2], place[1]);
  return py::bool_(line) ? where + ": " + std::string(py::str(line)) : where;
}

std::string where_written(const Tensor& t, int64_t version) {
  const py::gil_scoped_acquire gil;
  try {
    const py::object place = py::module_::import("dovetail._core").attr("_where_written")(t, version);
    return place.is_none() ? "" : " It was written at " + text(place) + ".";
  } catch (py::error_already_set&) {
    return "";  // the error that is on its way matters more
  }
}

// Anomaly mode notes the line of everything that is recorded.
std::string where_recorded(Node& node) {
  const py::gil_scoped_acquire gil;
  Extra* extra = node.extra_if_any();
  const py::object line = extra && extra->attachment ? metadata(node).attr("get")("line", py::none()) : py::none();
  if (line.is_none()) return " Where it was saved, dovetail.autograd.detect_anomaly() can tell.";
  return " It was saved at " + std::string(py::str(line)) + ".";
}

}  // namespace

void bind_lines() {
  interpreter.where_written = where_written;
  interpreter.where_recorded = where_recorded;
}

}  // namespace dovetail::autograd
