// Documentation of ops that differ in little: summary, formula, and one example; the rest is the same for all of them.
#pragma once

#include <string>

namespace dovetail {

inline std::string indented(const std::string& text, const char* margin = "    ") {
  std::string result = margin;
  for (char c : text) {
    result += c;
    if (c == '\n') result += margin;
  }
  return result;
}

inline std::string doc_text(const std::string& summary, const std::string& formula, const std::string& args,
                            const std::string& example) {
  std::string text = summary + "\n\n";
  if (!formula.empty()) text += indented(formula) + "\n\n";
  if (!args.empty()) text += "Args:\n" + indented(args) + "\n\n";
  return text + "Example:\n" + indented(example) + "\n";
}

// `input` is what stands in the call, `result` what `.tolist()` then gives.
inline std::string example_line(const std::string& call, const std::string& result) {
  return ">>> " + call + ".tolist()\n" + result;
}

}  // namespace dovetail
