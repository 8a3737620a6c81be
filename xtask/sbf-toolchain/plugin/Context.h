// What every part of the lowering shares: the module, the usual types, and calls of runtime functions.
#pragma once

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

namespace sbf {
using namespace llvm;

class Context {
public:
  Module &module;
  LLVMContext &llvm;
  IntegerType *const int32;
  IntegerType *const int64;
  IntegerType *const int128;
  PointerType *const pointer;

  explicit Context(Module &module)
      : module(module), llvm(module.getContext()), int32(Type::getInt32Ty(llvm)), int64(Type::getInt64Ty(llvm)),
        int128(Type::getInt128Ty(llvm)), pointer(PointerType::get(llvm, 0)) {}

  // Reports something that cannot be lowered. The pass goes on, so that one run names everything, and fails at its end.
  void unsupported(const Twine &what) {
    errs() << "sbf-lower: " << what << "\n";
    failed = true;
  }
  bool hasFailed() const { return failed; }

  // Memory for one value in the entry block: allocas anywhere else would grow the stack at run time.
  AllocaInst *entryAlloca(IRBuilder<> &builder, Type *type) {
    Function *function = builder.GetInsertBlock()->getParent();
    IRBuilder<> entry(&*function->getEntryBlock().getFirstInsertionPt());
    AllocaInst *memory = entry.CreateAlloca(type);
    memory->setAlignment(Align(8));
    return memory;
  }

  // Calls a runtime function (of compiler_builtins or sbf_rt.ll). Its definition may return a wide result through
  // memory, take wide arguments by pointer, or differ from the caller in the width of an integer: the call follows the
  // definition.
  Value *callRuntime(IRBuilder<> &builder, StringRef name, Type *result, ArrayRef<Value *> operands) {
    Function *function = module.getFunction(name);
    if (!function) {
      SmallVector<Type *> types;
      for (Value *operand : operands)
        types.push_back(operand->getType());
      function = Function::Create(FunctionType::get(result, types, false), GlobalValue::ExternalLinkage, name, module);
      errs() << "sbf-lower: runtime function " << name << " is not defined in the module\n";
    }
    FunctionType *type = function->getFunctionType();
    SmallVector<Value *> arguments(operands.begin(), operands.end());

    const bool resultInMemory =
        type->getReturnType()->isVoidTy() && !result->isVoidTy() && type->getNumParams() == arguments.size() + 1;
    if (resultInMemory) {
      AllocaInst *memory = entryAlloca(builder, result);
      arguments.insert(arguments.begin(), memory);
      adaptArguments(builder, type, arguments);
      builder.CreateCall(function, arguments)->setIsNoInline();
      return builder.CreateLoad(result, memory);
    }

    adaptArguments(builder, type, arguments);
    CallInst *call = builder.CreateCall(function, arguments);
    call->addFnAttr(Attribute::NoBuiltin);
    if (result->isVoidTy() || call->getType() == result)
      return call;
    if (call->getType()->isIntegerTy() && result->isIntegerTy())
      return builder.CreateSExtOrTrunc(call, result);
    return builder.CreateBitCast(call, result);
  }

private:
  bool failed = false;

  void adaptArguments(IRBuilder<> &builder, FunctionType *type, SmallVectorImpl<Value *> &arguments) {
    for (unsigned i = 0; i < arguments.size() && i < type->getNumParams(); i++) {
      Type *wanted = type->getParamType(i);
      Value *&argument = arguments[i];
      Type *given = argument->getType();
      if (given == wanted)
        continue;
      if (wanted->isPointerTy() && given->isIntegerTy() && given->getIntegerBitWidth() > 64) {
        AllocaInst *memory = entryAlloca(builder, given);
        builder.CreateStore(argument, memory);
        argument = memory;
      } else if (given->isIntegerTy() && wanted->isIntegerTy()) {
        argument = builder.CreateZExtOrTrunc(argument, wanted);
      } else if (given->isPointerTy() && wanted->isIntegerTy()) {
        argument = builder.CreatePtrToInt(argument, wanted);
      } else if (wanted->isPointerTy() && given->isIntegerTy()) {
        argument = builder.CreateIntToPtr(argument, wanted);
      } else {
        argument = builder.CreateBitCast(argument, wanted);
      }
    }
  }
};

} // namespace sbf
