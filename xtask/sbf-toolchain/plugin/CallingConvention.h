// SBPF passes five 64-bit registers to a function and one back. Rust does not count: functions that need more are
// rewritten, with all their calls. A result wider than one register is written through a pointer that comes first;
// arguments that no longer fit go into a structure in the caller's frame, whose address comes last.
#pragma once

#include "Context.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include <map>

namespace sbf {

class CallingConvention {
public:
  explicit CallingConvention(Context &context) : context(context) {}

  void rewriteAll() {
    SmallVector<CallBase *> calls;
    SmallVector<Function *> functions;
    for (Function &function : context.module) {
      if (!function.isIntrinsic() && !function.isVarArg() && needsRewriting(function.getFunctionType())) {
        if (function.isDeclaration() && !function.use_empty())
          errs() << "sbf-lower: external function needs more than 5 registers: " << function.getName() << "\n";
        functions.push_back(&function);
      }
      for (Instruction &instruction : instructions(function)) {
        auto *call = dyn_cast<CallBase>(&instruction);
        if (!call || call->isInlineAsm() || isa<IntrinsicInst>(call) || call->getFunctionType()->isVarArg())
          continue;
        if (needsRewriting(call->getFunctionType()))
          calls.push_back(call);
      }
    }
    // Calls first: they refer to the functions by their old types, through pointers too.
    for (CallBase *call : calls)
      rewriteCall(call);
    for (Function *function : functions)
      rewriteFunction(function);
  }

private:
  static constexpr unsigned argumentRegisters = 5;

  // How functions of one type are rewritten.
  struct Plan {
    bool resultInMemory;
    // How many parameters stay parameters; the others are fields of `overflow` (null if there are none).
    unsigned kept;
    StructType *overflow;
    FunctionType *type;

    // The position in the new function of the first parameter that is kept.
    unsigned offset() const { return resultInMemory ? 1 : 0; }
  };

  Context &context;
  std::map<FunctionType *, Plan> plans;

  // How many registers a value takes.
  static unsigned registers(Type *type) {
    if (type->isVoidTy())
      return 0;
    if (auto *structure = dyn_cast<StructType>(type)) {
      unsigned sum = 0;
      for (Type *element : structure->elements())
        sum += registers(element);
      return sum;
    }
    if (auto *array = dyn_cast<ArrayType>(type))
      return array->getNumElements() * registers(array->getElementType());
    if (type->isIntegerTy())
      return (type->getIntegerBitWidth() + 63) / 64;
    return 1;
  }

  static bool returnsInMemory(FunctionType *type) { return registers(type->getReturnType()) > 1; }

  static unsigned argumentCount(FunctionType *type) {
    unsigned sum = returnsInMemory(type) ? 1 : 0;
    for (Type *parameter : type->params())
      sum += registers(parameter);
    return sum;
  }

  static bool needsRewriting(FunctionType *type) {
    return returnsInMemory(type) || argumentCount(type) > argumentRegisters;
  }

  const Plan &planFor(FunctionType *type) {
    auto known = plans.find(type);
    if (known != plans.end())
      return known->second;
    Plan plan{returnsInMemory(type), type->getNumParams(), nullptr, nullptr};
    if (argumentCount(type) > argumentRegisters) {
      // The last register is the structure's address.
      const unsigned budget = argumentRegisters - 1 - plan.offset();
      unsigned used = 0;
      plan.kept = 0;
      while (plan.kept < type->getNumParams() && used + registers(type->getParamType(plan.kept)) <= budget)
        used += registers(type->getParamType(plan.kept++));
      SmallVector<Type *> fields(type->param_begin() + plan.kept, type->param_end());
      plan.overflow = StructType::get(context.llvm, fields);
    }
    SmallVector<Type *> parameters;
    if (plan.resultInMemory)
      parameters.push_back(context.pointer);
    parameters.append(type->param_begin(), type->param_begin() + plan.kept);
    if (plan.overflow)
      parameters.push_back(context.pointer);
    Type *result = plan.resultInMemory ? Type::getVoidTy(context.llvm) : type->getReturnType();
    plan.type = FunctionType::get(result, parameters, false);
    return plans.emplace(type, plan).first->second;
  }

  // The attributes of a function or call, moved to where the parameters now are.
  AttributeList moveAttributes(AttributeList attributes, const Plan &plan) {
    SmallVector<AttributeSet> parameters;
    if (plan.resultInMemory)
      parameters.push_back(AttributeSet());
    for (unsigned i = 0; i < plan.kept; i++) {
      AttributeSet kept = attributes.getParamAttrs(i);
      if (plan.resultInMemory)
        kept =
            kept.removeAttribute(context.llvm, Attribute::StructRet).removeAttribute(context.llvm, Attribute::Returned);
      parameters.push_back(kept);
    }
    if (plan.overflow)
      parameters.push_back(AttributeSet());
    // What the function touches has changed: it now reads or writes its caller's frame.
    AttributeSet ofFunction = attributes.getFnAttrs().removeAttribute(context.llvm, Attribute::Memory);
    AttributeSet ofResult = plan.resultInMemory ? AttributeSet() : attributes.getRetAttrs();
    return AttributeList::get(context.llvm, ofFunction, ofResult, parameters);
  }

  void rewriteCall(CallBase *call) {
    const Plan &plan = planFor(call->getFunctionType());
    if (call->isMustTailCall())
      context.unsupported("a tail call that must stay one, with more than 5 registers");
    IRBuilder<> builder(call);
    SmallVector<Value *> arguments;
    AllocaInst *result = nullptr, *overflow = nullptr;
    if (plan.resultInMemory) {
      result = context.entryAlloca(builder, call->getType());
      builder.CreateLifetimeStart(result);
      arguments.push_back(result);
    }
    for (unsigned i = 0; i < plan.kept; i++)
      arguments.push_back(call->getArgOperand(i));
    if (plan.overflow) {
      overflow = context.entryAlloca(builder, plan.overflow);
      builder.CreateLifetimeStart(overflow);
      for (unsigned i = plan.kept; i < call->arg_size(); i++) {
        Value *field = builder.CreateStructGEP(plan.overflow, overflow, i - plan.kept);
        builder.CreateStore(call->getArgOperand(i), field);
      }
      arguments.push_back(overflow);
    }
    CallInst *rewritten = builder.CreateCall(plan.type, call->getCalledOperand(), arguments);
    rewritten->setAttributes(moveAttributes(call->getAttributes(), plan));
    rewritten->setCallingConv(call->getCallingConv());
    // It points into this frame, so the frame must outlive it.
    rewritten->setTailCallKind(CallInst::TCK_None);
    rewritten->setDebugLoc(call->getDebugLoc());
    Value *value = rewritten;
    if (overflow)
      builder.CreateLifetimeEnd(overflow);
    if (result) {
      value = call->use_empty() ? nullptr : builder.CreateLoad(call->getType(), result);
      builder.CreateLifetimeEnd(result);
    }
    if (!call->use_empty())
      call->replaceAllUsesWith(value);
    call->eraseFromParent();
  }

  void rewriteFunction(Function *function) {
    const Plan &plan = planFor(function->getFunctionType());
    Function *rewritten =
        Function::Create(plan.type, function->getLinkage(), function->getAddressSpace(), "", &context.module);
    rewritten->copyAttributesFrom(function);
    rewritten->takeName(function);
    rewritten->setAttributes(moveAttributes(function->getAttributes(), plan));
    rewritten->splice(rewritten->begin(), function);
    for (unsigned i = 0; i < plan.kept; i++) {
      Argument *argument = rewritten->getArg(i + plan.offset());
      function->getArg(i)->replaceAllUsesWith(argument);
      argument->takeName(function->getArg(i));
    }
    if (!rewritten->empty()) {
      readOverflow(function, rewritten, plan);
      if (plan.resultInMemory)
        writeResults(rewritten);
      rewritten->setSubprogram(function->getSubprogram());
      function->setSubprogram(nullptr);
    }
    function->replaceAllUsesWith(rewritten);
    function->eraseFromParent();
  }

  void readOverflow(Function *function, Function *rewritten, const Plan &plan) {
    IRBuilder<> builder(&*rewritten->getEntryBlock().getFirstInsertionPt());
    for (unsigned i = plan.kept; i < function->arg_size(); i++) {
      Argument *argument = function->getArg(i);
      if (argument->use_empty())
        continue;
      Argument *overflow = rewritten->getArg(plan.kept + plan.offset());
      Value *field = builder.CreateStructGEP(plan.overflow, overflow, i - plan.kept);
      argument->replaceAllUsesWith(builder.CreateLoad(argument->getType(), field));
    }
  }

  void writeResults(Function *rewritten) {
    for (BasicBlock &block : *rewritten) {
      auto *end = dyn_cast<ReturnInst>(block.getTerminator());
      if (!end)
        continue;
      IRBuilder<> builder(end);
      builder.CreateStore(end->getReturnValue(), rewritten->getArg(0));
      builder.CreateRetVoid();
      end->eraseFromParent();
    }
  }
};

} // namespace sbf
