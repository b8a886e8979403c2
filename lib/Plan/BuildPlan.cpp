//===- BuildPlan.cpp - entries become lists of steps
//--------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EntryPlanner.h"
#include "fairway/Plan/Passes.h"
#include "fairway/Support/Sizes.h"
#include "mlir/IR/BuiltinOps.h"

namespace fairway {
#define GEN_PASS_DEF_BUILDPLAN
#include "fairway/Plan/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

static std::string getDtype(Type element) {
  if (element.isBF16())
    return "bfloat16";
  if (isa<FloatType>(element))
    return "float" + std::to_string(element.getIntOrFloatBitWidth());
  return "int" + std::to_string(element.getIntOrFloatBitWidth());
}

namespace {
struct BuildPlanPass : public fairway::impl::BuildPlanBase<BuildPlanPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    auto main = symbols.lookup<func::FuncOp>("main");
    auto prepare = symbols.lookup<func::FuncOp>("prepare");
    if (!main) {
      module.emitError("there is no @main to plan");
      return signalPassFailure();
    }
    Builder b(&getContext());
    SmallVector<Attribute> inputs, outputs, parameters, constants;
    llvm::StringMap<int64_t> parameterOf;
    auto addParameter = [&](func::FuncOp func, unsigned i) -> int64_t {
      DictionaryAttr desc = describe(func, i, "parameter");
      auto name = desc.getAs<StringAttr>("name").getValue();
      auto [it, isNew] = parameterOf.try_emplace(name, parameters.size());
      if (isNew)
        parameters.push_back(desc);
      return it->second;
    };

    SmallVector<Place> prepareArguments, mainArguments;
    if (prepare)
      for (unsigned i = 0, e = prepare.getNumArguments(); i < e; ++i)
        prepareArguments.push_back({Place::Input, addParameter(prepare, i)});
    for (unsigned i = 0, e = main.getNumArguments(); i < e; ++i) {
      auto kindAttr = main.getArgAttrOfType<StringAttr>(i, "fairway.kind");
      StringRef kind = kindAttr ? kindAttr.getValue() : "input";
      if (kind == "input") {
        int64_t index = inputs.size();
        mainArguments.push_back({Place::Input, index});
        inputs.push_back(describe(main, i, "input"));
        continue;
      }
      auto prepared = main.getArgAttrOfType<IntegerAttr>(i, "fairway.prepared");
      if (!prepared && kind != "parameter" && kind != "buffer") {
        main.emitError("arguments of kind '") << kind << "' are not supported";
        return signalPassFailure();
      }
      int64_t index = constants.size();
      mainArguments.push_back({Place::Constant, index});
      NamedAttrList desc(describe(main, i, "constant"));
      desc.set("parameter",
               b.getI64IntegerAttr(prepared ? -1 : addParameter(main, i)));
      desc.set("prepared",
               b.getI64IntegerAttr(prepared ? prepared.getInt() : -1));
      constants.push_back(desc.getDictionary(&getContext()));
    }
    for (unsigned i = 0, e = main.getNumResults(); i < e; ++i)
      outputs.push_back(describe(
          cast<MemRefType>(main.getResultTypes()[i]), "output" + Twine(i),
          main.getResultAttrOfType<StringAttr>(i, "fairway.name"),
          main.getResultAttrOfType<StringAttr>(i, "fairway.dtype")));

    module->setAttr("fairway.inputs", b.getArrayAttr(inputs));
    module->setAttr("fairway.outputs", b.getArrayAttr(outputs));
    module->setAttr("fairway.parameters", b.getArrayAttr(parameters));
    module->setAttr("fairway.constants", b.getArrayAttr(constants));
    module->setAttr("fairway.num_prepared",
                    b.getI64IntegerAttr(prepare ? prepare.getNumResults() : 0));
    if (failed(plan(main, symbols, mainArguments, "fairway.run")) ||
        failed(plan(prepare, symbols, prepareArguments, "fairway.prepare")))
      return signalPassFailure();
  }

private:
  DictionaryAttr describe(MemRefType type, const Twine &defaultName,
                          StringAttr name, StringAttr dtype) {
    Builder b(&getContext());
    return b.getDictionaryAttr({
        b.getNamedAttr("name", name ? name : b.getStringAttr(defaultName)),
        b.getNamedAttr(
            "dtype",
            dtype ? dtype : b.getStringAttr(getDtype(type.getElementType()))),
        b.getNamedAttr("shape", b.getI64ArrayAttr(type.getShape())),
    });
  }

  DictionaryAttr describe(func::FuncOp func, unsigned i, StringRef kind) {
    return describe(cast<MemRefType>(func.getArgumentTypes()[i]),
                    kind + Twine(i),
                    func.getArgAttrOfType<StringAttr>(i, "fairway.name"),
                    func.getArgAttrOfType<StringAttr>(i, "fairway.dtype"));
  }

  LogicalResult plan(func::FuncOp entry, SymbolTable &symbols,
                     ArrayRef<Place> arguments, StringRef attrName) {
    Builder b(&getContext());
    if (!entry) {
      getOperation()->setAttr(
          attrName,
          b.getDictionaryAttr(
              {b.getNamedAttr("arena_bytes", b.getI64IntegerAttr(0)),
               b.getNamedAttr("scratch_bytes", b.getI64IntegerAttr(0)),
               b.getNamedAttr("steps", b.getArrayAttr({}))}));
      return success();
    }
    FailureOr<SmallVector<Size, 2>> sizes = readSizes(getOperation());
    if (failed(sizes))
      return failure();
    bool open = !sizes->empty() && entry.getName() == "main";
    EntryPlanner planner(entry, symbols, llvm::to_vector(arguments), open);
    if (failed(planner.run()))
      return failure();
    getOperation()->setAttr(attrName, planner.getAttr());
    symbols.erase(entry);
    return success();
  }
};
} // namespace
