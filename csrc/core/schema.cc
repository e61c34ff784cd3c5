#include "core/schema.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "core/dtype.h"
#include "core/error.h"

namespace dovetail {

int Schema::find_arg(std::string_view name) const {
  for (size_t i = 0; i < args.size(); ++i)
    if (args[i].name == name) return static_cast<int>(i);
  return -1;
}

namespace {

const struct {
  const char* text;
  ArgType kind, list;
} kTypes[] = {
    {"Tensor", ArgType::tensor, ArgType::tensor_list},
    {"Scalar", ArgType::scalar, ArgType::scalar_list},
    {"int", ArgType::integer, ArgType::int_list},
    {"float", ArgType::floating, ArgType::float_list},
    {"bool", ArgType::boolean, ArgType::bool_list},
    {"complex", ArgType::complex, ArgType::complex},
    {"DType", ArgType::dtype, ArgType::dtype},
    {"Device", ArgType::device, ArgType::device},
    {"Generator", ArgType::generator, ArgType::generator},
    {"str", ArgType::string, ArgType::string},
};

// A recursive-descent parser over the text; every method consumes what it names.
class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  Schema parse() {
    Schema schema;
    schema.text = text_;
    schema.name = word();
    expect('(');
    bool keyword_only = false;
    while (!accept(')')) {
      if (!schema.args.empty() || keyword_only) expect(',');
      if (accept('*')) {
        keyword_only = true;
        continue;
      }
      schema.args.push_back(arg(keyword_only));
      if (!keyword_only) schema.positional++;
      schema.writes |= schema.args.back().written;
    }
    expect('-');
    expect('>');
    returns(schema);
    if (!at_end()) stop("the end");
    return schema;
  }

 private:
  Arg arg(bool keyword_only) {
    Arg a;
    a.keyword_only = keyword_only;
    skip();
    const size_t start = at_;
    const std::string type = word();
    const auto* known = find_type(type);
    a.kind = known->kind;
    if (accept('(')) {  // alias mark: (a) or (a!)
      word();
      a.written = accept('!');
      expect(')');
    }
    bool inner_optional = accept('?');
    if (accept('[')) {
      a.kind = known->list;
      a.optional_elements = inner_optional;
      inner_optional = false;
      if (peek() != ']') a.fixed_count = static_cast<int32_t>(std::strtol(number().c_str(), nullptr, 10));
      expect(']');
      inner_optional = accept('?');
    }
    a.optional = inner_optional;
    a.type = text_.substr(start, at_ - start);
    while (a.type.back() == ' ') a.type.pop_back();
    a.name = word();
    if (accept('=')) {
      a.has_default = true;
      a.default_value = value(a);
    }
    return a;
  }

  void returns(Schema& schema) {
    if (accept('(')) {
      while (!accept(')')) {
        if (!schema.returns.empty()) expect(',');
        result(schema);
        skip();
        schema.returns.push_back(std::isalpha(static_cast<unsigned char>(peek())) ? word() : "");
      }
      if (schema.returns.size() > kMaxOutputs)
        stop("no more than " + std::to_string(kMaxOutputs) + " results, or one list (Tensor[])");
      return;
    }
    schema.returns_list = result(schema);
    schema.returns.push_back("");
  }

  bool result(Schema& schema) {  // true: a list
    if (word() != "Tensor") stop("Tensor");
    if (accept('(')) {
      word();
      accept('!');
      expect(')');
      schema.returns_view = true;
    }
    if (!accept('[')) return false;
    expect(']');
    return true;
  }

  dt_value value(const Arg& a) {
    dt_value v{};
    skip();
    if (take("None")) return v;
    if (take("True")) return boolean(a, true);
    if (take("False")) return boolean(a, false);
    if (peek() == '"' || peek() == '\'') return string();
    if (accept('[')) return list(a);
    for (DType d = 0; d < DT_DTYPE_COUNT; ++d)
      if (a.kind == ArgType::dtype && take(dtype_name(d))) {
        v.tag = DT_DTYPE;
        v.as.i = d;
        return v;
      }
    return numeric(a.kind == ArgType::floating);
  }

  dt_value boolean(const Arg&, bool b) {
    dt_value v{};
    v.tag = DT_BOOLEAN;
    v.as.i = b;
    return v;
  }

  dt_value numeric(bool force_float) {
    const std::string digits = number();
    dt_value v{};
    const bool is_float = digits.find_first_of(".en") != std::string::npos;
    if (is_float || force_float) {
      v.tag = DT_FLOAT;
      v.as.f = std::strtod(digits.c_str(), nullptr);
    } else {
      v.tag = DT_INT;
      v.as.i = std::strtoll(digits.c_str(), nullptr, 10);
    }
    return v;
  }

  dt_value string() {
    const char quote = text_[at_++];
    const size_t end = text_.find(quote, at_);
    if (end == std::string::npos) stop("a closing quote");
    dt_value v{};
    v.tag = DT_STRING;
    v.as.string = strdup(text_.substr(at_, end - at_).c_str());  // lives as long as the op: for good
    at_ = end + 1;
    return v;
  }

  dt_value list(const Arg& a) {
    std::vector<dt_value> items;
    while (!accept(']')) {
      if (!items.empty()) expect(',');
      items.push_back(take("True")    ? boolean(a, true)
                      : take("False") ? boolean(a, false)
                                      : numeric(a.kind == ArgType::float_list));
    }
    dt_value v{};
    v.count = static_cast<int32_t>(items.size());
    if (a.kind == ArgType::float_list) {
      v.tag = DT_FLOATS;
      double* floats = new double[items.size() + 1];
      for (size_t i = 0; i < items.size(); ++i) floats[i] = items[i].as.f;
      v.as.floats = floats;
    } else if (a.kind == ArgType::tensor_list) {
      v.tag = DT_TENSORS;
      v.as.tensors = nullptr;
    } else {
      v.tag = DT_INTS;
      int64_t* ints = new int64_t[items.size() + 1];
      for (size_t i = 0; i < items.size(); ++i) ints[i] = items[i].as.i;
      v.as.ints = ints;
    }
    return v;
  }

  decltype(&kTypes[0]) find_type(const std::string& type) {
    for (const auto& known : kTypes)
      if (type == known.text) return &known;
    stop("a type");
  }

  // ---- characters ----
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool at_end() { return peek() == '\0'; }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) stop(std::string(1, c));
  }
  bool take(const char* token) {
    skip();
    const size_t n = std::strlen(token);
    if (text_.compare(at_, n, token) != 0) return false;
    at_ += n;
    return true;
  }
  std::string word() {
    skip();
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (start == at_) stop("a name");
    return text_.substr(start, at_ - start);
  }
  std::string number() {
    skip();
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || std::strchr("+-.", text_[at_])))
      ++at_;
    if (start == at_) stop("a number");
    return text_.substr(start, at_ - start);
  }
  [[noreturn]] void stop(const std::string& wanted) {
    value_error("schema: expected ", wanted, " at column ", at_, " of \"", text_, "\"");
  }

  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

Schema parse_schema(const std::string& text) { return Parser(text).parse(); }

}  // namespace dovetail
