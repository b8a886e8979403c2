//===- MachineDescription.cpp - a machine's text form ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/MachineDescription.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using fairway::MachineDescription;

namespace {

bool parseNumber(StringRef text, int64_t &value) {
  return !text.getAsInteger(10, value);
}

bool parseNumber(StringRef text, double &value) {
  return !text.getAsDouble(value);
}

void printNumber(raw_ostream &os, int64_t value) { os << value; }

void printNumber(raw_ostream &os, double value) {
  os << llvm::format("%.6g", value);
}

/// Replaces one field.
Error setField(StringRef name, StringRef text, MachineDescription &machine) {
  bool known = false, valid = false;
  SmallVector<StringRef> names;
  fairway::visitFields(
      machine, [&](StringRef field, auto &value, double low, double high) {
        names.push_back(field);
        if (field != name)
          return;
        known = true;
        auto given = value;
        valid = parseNumber(text, given) && double(given) >= low &&
                double(given) <= high;
        if (valid)
          value = given;
      });
  if (!known)
    return createStringError("a machine has no '" + name +
                             "'; known: " + llvm::join(names, ", "));
  if (!valid)
    return createStringError("'" + text + "' makes no sense as a machine's " +
                             name);
  return Error::success();
}

} // namespace

Error fairway::parseMachine(StringRef text, MachineDescription &machine) {
  MachineDescription changed = machine;
  SmallVector<StringRef> parts;
  text.split(parts, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [name, value] = part.split('=');
    if (Error error = setField(name, value, changed))
      return error;
  }
  if (!isPowerOf2_64(uint64_t(changed.vectorBits)))
    return createStringError("a machine's vector-bits is 128, 256 or 512");
  machine = changed;
  return Error::success();
}

std::string fairway::printMachine(const MachineDescription &machine) {
  std::string text;
  raw_string_ostream os(text);
  StringRef separator;
  visitFields(machine, [&](StringRef name, const auto &value, double, double) {
    os << separator << name << '=';
    printNumber(os, value);
    separator = " ";
  });
  return text;
}

bool cl::parser<MachineDescription>::parse(Option &option, StringRef,
                                           StringRef text,
                                           MachineDescription &value) {
  // Fields that are not named keep the default.
  value = MachineDescription();
  if (Error error = fairway::parseMachine(text, value))
    return option.error(toString(std::move(error)));
  return false;
}
