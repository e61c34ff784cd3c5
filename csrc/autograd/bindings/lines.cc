// Lines of the user's program, for errors: where a tensor was saved, and where it was written since.
#include "autograd/bindings/python.h"

namespace dovetail::autograd {

namespace {

// "file:7, in train: w += 1"
std::string text(const py::tuple& place) {
  const py::object line = py::module_::import("linecache").attr("getline")(place[0], place[2]).attr("strip")();
  const std::string where = py::str("{}:{}, in {}").format(place[0], place[2], place[1]);
  return py::bool_(line) ? where + ": " + std::string(py::str(line)) : where;
}

py::module_ core() { return py::module_::import("dovetail._core"); }

// Nothing where the place is not known.
template <class Find>
std::string sentence(const char* begins, Find&& find) {
  const py::gil_scoped_acquire gil;
  try {
    const py::object place = find();
    return place.is_none() ? "" : " " + (begins + text(place)) + ".";
  } catch (py::error_already_set&) {
    return "";  // the error that is on its way matters more
  }
}

std::string where_written(const Tensor& t, int64_t version) {
  return sentence("It was written at ", [&] { return core().attr("_where_written")(t, version); });
}

std::string where_saved(uint64_t place) {
  return sentence("It was saved at ", [place] { return core().attr("_describe_place")(place); });
}

}  // namespace

void bind_lines() {
  if (py::hasattr(core(), "_place")) {  // an older core has none
    const auto place = core().attr("_place").cast<py::capsule>();
    interpreter.place = reinterpret_cast<uint64_t (*)()>(place.get_pointer());
  }
  interpreter.where_written = where_written;
  interpreter.where_saved = where_saved;
}

}  // namespace dovetail::autograd
