// Floating point in software: every operation becomes a call of compiler_builtins.
#pragma once

#include "Context.h"
#include "llvm/IR/IntrinsicInst.h"
#include <string>

namespace sbf {

class Floats {
public:
  explicit Floats(Context &context) : context(context) {}

  static bool isFloat(Type *type) { return type->isFloatTy() || type->isDoubleTy(); }

  // fadd, fsub, fmul, fdiv, frem; null for anything else.
  Value *arithmetic(IRBuilder<> &builder, BinaryOperator *operation) {
    Type *type = operation->getType();
    Value *x = operation->getOperand(0), *y = operation->getOperand(1);
    auto call = [&](const char *name) {
      return context.callRuntime(builder, std::string("__") + name + suffix(type) + "3", type, {x, y});
    };
    switch (operation->getOpcode()) {
    case Instruction::FAdd:
      return call("add");
    case Instruction::FSub:
      return call("sub");
    case Instruction::FMul:
      return call("mul");
    case Instruction::FDiv:
      return call("div");
    case Instruction::FRem:
      return context.callRuntime(builder, type->isDoubleTy() ? "fmod" : "fmodf", type, {x, y});
    default:
      return nullptr;
    }
  }

  // fcmp. The runtime's comparisons answer "ordered and ..."; the unordered predicates are the opposite of the
  // opposite.
  Value *compare(IRBuilder<> &builder, FCmpInst *comparison) {
    Value *x = comparison->getOperand(0), *y = comparison->getOperand(1), *zero = builder.getInt32(0);
    auto call = [&](const char *name) { return compareRuntime(builder, name, x, y); };
    switch (comparison->getPredicate()) {
    case CmpInst::FCMP_OEQ:
      return builder.CreateICmpEQ(call("eq"), zero);
    case CmpInst::FCMP_UNE:
      return builder.CreateICmpNE(call("ne"), zero);
    case CmpInst::FCMP_OLT:
      return builder.CreateICmpSLT(call("lt"), zero);
    case CmpInst::FCMP_OLE:
      return builder.CreateICmpSLE(call("le"), zero);
    case CmpInst::FCMP_OGT:
      return builder.CreateICmpSGT(call("gt"), zero);
    case CmpInst::FCMP_OGE:
      return builder.CreateICmpSGE(call("ge"), zero);
    case CmpInst::FCMP_ULT:
      return builder.CreateICmpSLT(call("ge"), zero);
    case CmpInst::FCMP_ULE:
      return builder.CreateICmpSLE(call("gt"), zero);
    case CmpInst::FCMP_UGT:
      return builder.CreateICmpSGT(call("le"), zero);
    case CmpInst::FCMP_UGE:
      return builder.CreateICmpSGE(call("lt"), zero);
    case CmpInst::FCMP_UNO:
      return builder.CreateICmpNE(call("unord"), zero);
    case CmpInst::FCMP_ORD:
      return builder.CreateICmpEQ(call("unord"), zero);
    case CmpInst::FCMP_UEQ: {
      Value *unordered = builder.CreateICmpNE(call("unord"), zero);
      Value *equal = builder.CreateICmpEQ(call("eq"), zero);
      return builder.CreateOr(unordered, equal);
    }
    case CmpInst::FCMP_ONE: {
      Value *ordered = builder.CreateICmpEQ(call("unord"), zero);
      Value *different = builder.CreateICmpNE(call("eq"), zero);
      return builder.CreateAnd(ordered, different);
    }
    case CmpInst::FCMP_TRUE:
      return builder.getTrue();
    default:
      return builder.getFalse();
    }
  }

  // Conversions between integers and floats and between floats; null for anything else.
  Value *convert(IRBuilder<> &builder, CastInst *conversion) {
    Value *value = conversion->getOperand(0);
    Type *type = conversion->getType();
    switch (conversion->getOpcode()) {
    case Instruction::UIToFP:
      return fromInteger(builder, value, type, false);
    case Instruction::SIToFP:
      return fromInteger(builder, value, type, true);
    case Instruction::FPToUI:
      return toInteger(builder, value, type, false);
    case Instruction::FPToSI:
      return toInteger(builder, value, type, true);
    case Instruction::FPExt:
      return context.callRuntime(builder, "__extendsfdf2", type, {value});
    case Instruction::FPTrunc:
      return context.callRuntime(builder, "__truncdfsf2", type, {value});
    default:
      return nullptr;
    }
  }

  // Intrinsics on floats that have a function of the C library; null for anything else.
  Value *intrinsic(IRBuilder<> &builder, IntrinsicInst *call) {
    switch (call->getIntrinsicID()) {
    case Intrinsic::fptoui_sat:
      return toInteger(builder, call->getArgOperand(0), call->getType(), false);
    case Intrinsic::fptosi_sat:
      return toInteger(builder, call->getArgOperand(0), call->getType(), true);
    case Intrinsic::minnum:
    case Intrinsic::minimumnum:
      return extreme(builder, call, false, false);
    case Intrinsic::minimum:
      return extreme(builder, call, false, true);
    case Intrinsic::maxnum:
    case Intrinsic::maximumnum:
      return extreme(builder, call, true, false);
    case Intrinsic::maximum:
      return extreme(builder, call, true, true);
    case Intrinsic::sqrt:
      return library(builder, call, "sqrt");
    case Intrinsic::floor:
      return library(builder, call, "floor");
    case Intrinsic::ceil:
      return library(builder, call, "ceil");
    case Intrinsic::trunc:
      return library(builder, call, "trunc");
    case Intrinsic::rint:
      return library(builder, call, "rint");
    case Intrinsic::round:
      return library(builder, call, "round");
    case Intrinsic::roundeven:
      return library(builder, call, "roundeven");
    case Intrinsic::fma:
      return library(builder, call, "fma");
    default:
      return nullptr;
    }
  }

private:
  Context &context;

  static std::string suffix(Type *type) { return type->isDoubleTy() ? "df" : "sf"; }

  // The runtime converts integers of 32, 64 and 128 bits.
  static unsigned runtimeWidth(unsigned width) { return width <= 32 ? 32 : width <= 64 ? 64 : 128; }
  static std::string runtimeSuffix(unsigned width) { return width <= 32 ? "si" : width <= 64 ? "di" : "ti"; }

  Value *compareRuntime(IRBuilder<> &builder, const char *name, Value *x, Value *y) {
    return context.callRuntime(builder, std::string("__") + name + suffix(x->getType()) + "2", context.int32, {x, y});
  }

  Value *library(IRBuilder<> &builder, IntrinsicInst *call, const char *name) {
    Type *type = call->getType();
    SmallVector<Value *> operands(call->args());
    return context.callRuntime(builder, std::string(name) + (type->isDoubleTy() ? "" : "f"), type, operands);
  }

  Value *fromInteger(IRBuilder<> &builder, Value *value, Type *type, bool isSigned) {
    const unsigned width = value->getType()->getIntegerBitWidth();
    Type *extended = IntegerType::get(context.llvm, runtimeWidth(width));
    value = isSigned ? builder.CreateSExt(value, extended) : builder.CreateZExt(value, extended);
    const char *name = isSigned ? "__float" : "__floatun";
    return context.callRuntime(builder, name + runtimeSuffix(width) + suffix(type), type, {value});
  }

  // The runtime saturates at its own widths; narrower integers are saturated here, as Rust's `as` demands.
  Value *toInteger(IRBuilder<> &builder, Value *value, Type *type, bool isSigned) {
    const unsigned width = type->getIntegerBitWidth(), wide = runtimeWidth(width);
    Type *wideType = IntegerType::get(context.llvm, wide);
    const std::string name = isSigned ? "__fix" : "__fixuns";
    Value *result =
        context.callRuntime(builder, name + suffix(value->getType()) + runtimeSuffix(width), wideType, {value});
    if (wide == width)
      return result;
    if (isSigned) {
      Value *maximum = ConstantInt::get(wideType, APInt::getSignedMaxValue(width).sext(wide));
      Value *minimum = ConstantInt::get(wideType, APInt::getSignedMinValue(width).sext(wide));
      result = builder.CreateSelect(builder.CreateICmpSGT(result, maximum), maximum, result);
      result = builder.CreateSelect(builder.CreateICmpSLT(result, minimum), minimum, result);
    } else {
      Value *maximum = ConstantInt::get(wideType, APInt::getMaxValue(width).zext(wide));
      result = builder.CreateSelect(builder.CreateICmpUGT(result, maximum), maximum, result);
    }
    return builder.CreateTrunc(result, type);
  }

  // Minimum or maximum. If one operand is not a number, the result is the other one, or with `propagates` the one that
  // is not.
  Value *extreme(IRBuilder<> &builder, IntrinsicInst *call, bool maximum, bool propagates) {
    Value *x = call->getArgOperand(0), *y = call->getArgOperand(1), *zero = builder.getInt32(0);
    Value *xWins = maximum ? builder.CreateICmpSGT(compareRuntime(builder, "gt", x, y), zero)
                           : builder.CreateICmpSLT(compareRuntime(builder, "lt", x, y), zero);
    Value *tested = propagates ? x : y;
    Value *notANumber = builder.CreateICmpNE(compareRuntime(builder, "unord", tested, tested), zero);
    Value *takesX = builder.CreateOr(xWins, notANumber);
    return builder.CreateSelect(takesX, x, y);
  }
};

} // namespace sbf
