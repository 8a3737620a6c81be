// Replaces each instruction that SBPF or LLVM's BPF backend cannot express.
#pragma once

#include "Context.h"
#include "Floats.h"
#include "WideIntegers.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

namespace sbf {

class Operations {
public:
  explicit Operations(Context &context) : context(context), integers(context), floats(context) {}

  // Replacements may consist of operations that need replacing themselves.
  void lowerAll() {
    while (lowerOnce()) {
    }
  }

private:
  // Memory intrinsics of at most this many bytes stay inline; longer ones are calls, which end in a syscall.
  static constexpr uint64_t inlineBytes = 64;

  Context &context;
  WideIntegers integers;
  Floats floats;
  bool again = false;

  bool lowerOnce() {
    again = false;
    SmallVector<Instruction *> instructions;
    for (Function &function : context.module)
      for (Instruction &instruction : llvm::instructions(function))
        instructions.push_back(&instruction);
    for (Instruction *instruction : instructions) {
      IRBuilder<> builder(instruction);
      if (auto *memory = dyn_cast<MemIntrinsic>(instruction)) {
        if (lowerMemory(builder, memory))
          memory->eraseFromParent();
      } else if (Value *replacement = replace(builder, instruction)) {
        instruction->replaceAllUsesWith(replacement);
        instruction->eraseFromParent();
      }
    }
    return again;
  }

  Value *replace(IRBuilder<> &builder, Instruction *instruction) {
    if (auto *call = dyn_cast<IntrinsicInst>(instruction))
      return replaceIntrinsic(builder, call);
    if (auto *operation = dyn_cast<BinaryOperator>(instruction)) {
      if (operation->getType()->isIntegerTy())
        return replaceInteger(builder, operation);
      if (Floats::isFloat(operation->getType()))
        return floats.arithmetic(builder, operation);
      return nullptr;
    }
    if (auto *comparison = dyn_cast<FCmpInst>(instruction))
      return floats.compare(builder, comparison);
    if (auto *conversion = dyn_cast<CastInst>(instruction))
      return floats.convert(builder, conversion);
    return nullptr;
  }

  // memcpy, memmove and memset become calls unless they are short; true if the intrinsic is to go.
  bool lowerMemory(IRBuilder<> &builder, MemIntrinsic *memory) {
    const Intrinsic::ID id = memory->getIntrinsicID();
    if (id == Intrinsic::memcpy_inline || id == Intrinsic::memset_inline)
      return false;
    auto *length = dyn_cast<ConstantInt>(memory->getLength());
    if (length && length->getZExtValue() <= inlineBytes) {
      // SBPF reads and writes at any address, so the backend may use whole words.
      memory->setDestAlignment(Align(8));
      if (auto *transfer = dyn_cast<MemTransferInst>(memory))
        transfer->setSourceAlignment(Align(8));
      return false;
    }
    Value *bytes = builder.CreateZExtOrTrunc(memory->getLength(), context.int64);
    if (auto *fill = dyn_cast<MemSetInst>(memory)) {
      Value *value = builder.CreateZExt(fill->getValue(), context.int32);
      context.callRuntime(builder, "memset", context.pointer, {fill->getDest(), value, bytes});
    } else {
      auto *transfer = cast<MemTransferInst>(memory);
      const char *name = isa<MemMoveInst>(memory) ? "memmove" : "memcpy";
      context.callRuntime(builder, name, context.pointer, {transfer->getDest(), transfer->getSource(), bytes});
    }
    return true;
  }

  Value *replaceIntrinsic(IRBuilder<> &builder, IntrinsicInst *call) {
    const Intrinsic::ID id = call->getIntrinsicID();
    switch (id) {
    case Intrinsic::umul_with_overflow:
    case Intrinsic::smul_with_overflow: {
      const unsigned width = call->getArgOperand(0)->getType()->getIntegerBitWidth();
      if (width != 64 && width != 128)
        return nullptr;
      again = true;
      return integers.multiplyWithOverflow(builder, call->getArgOperand(0), call->getArgOperand(1),
                                           id == Intrinsic::smul_with_overflow, call->getType());
    }
    case Intrinsic::fshl:
    case Intrinsic::fshr: {
      Value *amount = call->getArgOperand(2);
      if (amount->getType()->getIntegerBitWidth() <= 64 || isa<ConstantInt>(amount))
        return nullptr;
      again = true;
      return integers.funnelShift(builder, call->getArgOperand(0), call->getArgOperand(1), amount,
                                  id == Intrinsic::fshl);
    }
    case Intrinsic::fmuladd: {
      again = true;
      Value *product = builder.CreateFMul(call->getArgOperand(0), call->getArgOperand(1));
      return builder.CreateFAdd(product, call->getArgOperand(2));
    }
    default:
      return floats.intrinsic(builder, call);
    }
  }

  Value *replaceInteger(IRBuilder<> &builder, BinaryOperator *operation) {
    const auto opcode = operation->getOpcode();
    const unsigned width = operation->getType()->getIntegerBitWidth();
    Value *x = operation->getOperand(0), *y = operation->getOperand(1);
    const bool isSigned = opcode == Instruction::SDiv || opcode == Instruction::SRem;
    const bool isDivision = isSigned || opcode == Instruction::UDiv || opcode == Instruction::URem;
    const bool isProduct = opcode == Instruction::Mul;
    const bool isVariableShift = operation->isShift() && !isa<ConstantInt>(y);

    if (width > 128) {
      if (isProduct && width <= 512)
        return integers.multiplyWider(builder, x, y);
      if (isProduct || isDivision || isVariableShift)
        context.unsupported(Twine(operation->getOpcodeName()) + " of " + Twine(width) + " bits");
      return nullptr;
    }
    if (width > 64 && width < 128 && (isProduct || isDivision || isVariableShift)) {
      // Odd widths are widened; the wider operation is replaced in the next round.
      again = true;
      const bool extendsSign = isSigned || opcode == Instruction::AShr;
      Value *wideX = extendsSign ? builder.CreateSExt(x, context.int128) : builder.CreateZExt(x, context.int128);
      Value *wideY = isSigned ? builder.CreateSExt(y, context.int128) : builder.CreateZExt(y, context.int128);
      return builder.CreateTrunc(builder.CreateBinOp(opcode, wideX, wideY), operation->getType());
    }
    if (width == 128) {
      if (isVariableShift)
        return integers.shift128(builder, opcode, x, y);
      if (isProduct)
        return integers.multiply128(builder, x, y);
      if (isDivision)
        return integers.divide128(builder, opcode, x, y);
      return nullptr;
    }
    if (!isSigned)
      return nullptr;
    if (width == 64)
      return integers.divideSigned(builder, x, y, opcode == Instruction::SRem);
    Value *wideX = builder.CreateSExt(x, context.int64);
    Value *wideY = builder.CreateSExt(y, context.int64);
    Value *result = integers.divideSigned(builder, wideX, wideY, opcode == Instruction::SRem);
    return builder.CreateTrunc(result, operation->getType());
  }
};

} // namespace sbf
