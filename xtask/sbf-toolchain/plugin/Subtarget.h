// Tells the backend what SBPF can do: instruction set v2 (no 32-bit arithmetic or jumps), reads and writes at any
// address.
#pragma once

#include "Context.h"
#include "llvm/IR/InstIterator.h"

namespace sbf {

class Subtarget {
public:
  explicit Subtarget(Context &context) : layout(context.module.getDataLayout()), module(context.module) {}

  void apply() {
    for (Function &function : module) {
      function.addFnAttr("target-cpu", "v2");
      function.addFnAttr("target-features", "+allows-misaligned-mem-access");
      dropStructReturn(function);
      for (Instruction &instruction : instructions(function)) {
        if (auto *read = dyn_cast<LoadInst>(&instruction))
          read->setAlignment(natural(read->getAlign(), read->getType()));
        else if (auto *write = dyn_cast<StoreInst>(&instruction))
          write->setAlignment(natural(write->getAlign(), write->getValueOperand()->getType()));
      }
    }
  }

private:
  const DataLayout &layout;
  Module &module;

  // The backend refuses the sret attribute, which by now is only a hint.
  static void dropStructReturn(Function &function) {
    for (unsigned i = 0; i < function.arg_size(); i++)
      function.removeParamAttr(i, Attribute::StructRet);
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallBase>(&instruction))
        for (unsigned i = 0; i < call->arg_size(); i++)
          call->removeParamAttr(i, Attribute::StructRet);
  }

  // With its natural alignment a value is read and written whole, not byte by byte.
  Align natural(Align present, Type *type) const {
    if (type->isAggregateType())
      return present;
    return std::max(present, std::min(Align(8), layout.getABITypeAlign(type)));
  }
};

} // namespace sbf
