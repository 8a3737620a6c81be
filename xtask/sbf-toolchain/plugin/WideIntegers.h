// Integer operations that SBPF does not have: products wider than 64 bits, overflow flags of products, variable shifts
// wider than 64 bits, signed division. All are built from 64-bit operations; only 128-bit division calls
// compiler_builtins.
//
// Values are built one a statement, in the order in which they are to be computed: C++ leaves the order of arguments
// open, and the order of instructions must not depend on which compiler built this plugin.
#pragma once

#include "Context.h"

namespace sbf {

class WideIntegers {
public:
  explicit WideIntegers(Context &context) : context(context) {}

  // The product of two 128-bit values.
  Value *multiply128(IRBuilder<> &builder, Value *x, Value *y) {
    Value *xLow = low(builder, x);
    Value *yLow = low(builder, y);
    Value *productLow = builder.CreateMul(xLow, yLow);
    Value *productHigh = builder.CreateCall(multiplyHigh(), {xLow, yLow});
    if (!fitsIn64(x)) {
      Value *xHigh = high(builder, x);
      Value *cross = builder.CreateMul(xHigh, yLow);
      productHigh = builder.CreateAdd(productHigh, cross);
    }
    if (!fitsIn64(y)) {
      Value *yHigh = high(builder, y);
      Value *cross = builder.CreateMul(xLow, yHigh);
      productHigh = builder.CreateAdd(productHigh, cross);
    }
    return join(builder, productLow, productHigh);
  }

  // The product of two values of 129 to 512 bits, as taught in school. Nobody writes such types; LLVM's InstCombine
  // invents them.
  Value *multiplyWider(IRBuilder<> &builder, Value *x, Value *y) {
    Type *type = x->getType();
    const unsigned count = (type->getIntegerBitWidth() + 63) / 64;
    Type *whole = IntegerType::get(context.llvm, count * 64);
    SmallVector<Value *> xLimbs = limbs(builder, x, whole, count);
    SmallVector<Value *> yLimbs = limbs(builder, y, whole, count);
    SmallVector<Value *> sums(count, builder.getInt64(0));
    auto addAt = [&](unsigned index, Value *carry) {
      for (; index < count; index++) {
        Value *sum = builder.CreateAdd(sums[index], carry);
        Value *overflowed = builder.CreateICmpULT(sum, carry);
        carry = builder.CreateZExt(overflowed, context.int64);
        sums[index] = sum;
      }
    };
    for (unsigned i = 0; i < xLimbs.size(); i++) {
      for (unsigned j = 0; j < yLimbs.size() && i + j < count; j++) {
        addAt(i + j, builder.CreateMul(xLimbs[i], yLimbs[j]));
        if (i + j + 1 < count)
          addAt(i + j + 1, builder.CreateCall(multiplyHigh(), {xLimbs[i], yLimbs[j]}));
      }
    }
    Value *result = ConstantInt::get(whole, 0);
    for (unsigned i = 0; i < count; i++) {
      Value *limb = builder.CreateZExt(sums[i], whole);
      if (i)
        limb = builder.CreateShl(limb, 64 * i);
      result = builder.CreateOr(result, limb);
    }
    return builder.CreateTrunc(result, type);
  }

  // llvm.umul.with.overflow and llvm.smul.with.overflow of 64 or 128 bits: {product, overflowed}.
  Value *multiplyWithOverflow(IRBuilder<> &builder, Value *x, Value *y, bool isSigned, Type *resultType) {
    const bool wide = x->getType()->getIntegerBitWidth() == 128;
    Product product = isSigned ? (wide ? signed128(builder, x, y) : signed64(builder, x, y))
                               : (wide ? unsigned128(builder, x, y) : unsigned64(builder, x, y));
    Value *pair = builder.CreateInsertValue(PoisonValue::get(resultType), product.value, 0);
    return builder.CreateInsertValue(pair, product.overflowed, 1);
  }

  // shl, lshr or ashr of a 128-bit value by an amount that is not constant.
  Value *shift128(IRBuilder<> &builder, Instruction::BinaryOps operation, Value *x, Value *amount) {
    Value *xLow = low(builder, x);
    Value *xHigh = high(builder, x);
    Value *bits = builder.CreateTrunc(amount, context.int64);
    Value *zero = builder.getInt64(0);
    Value *within = builder.CreateAnd(bits, 63);
    // 63 - within: together with a shift by one it is 64 - within without ever shifting by 64, which has no meaning.
    Value *complement = builder.CreateXor(within, 63);
    Value *sixtyFour = builder.CreateAnd(bits, 64);
    Value *crosses = builder.CreateICmpNE(sixtyFour, zero);
    if (operation == Instruction::Shl) {
      Value *shiftedLow = builder.CreateShl(xLow, within);
      Value *shiftedHigh = builder.CreateShl(xHigh, within);
      Value *carried = builder.CreateLShr(xLow, 1);
      carried = builder.CreateLShr(carried, complement);
      shiftedHigh = builder.CreateOr(shiftedHigh, carried);
      Value *resultLow = builder.CreateSelect(crosses, zero, shiftedLow);
      Value *resultHigh = builder.CreateSelect(crosses, shiftedLow, shiftedHigh);
      return join(builder, resultLow, resultHigh);
    }
    const bool arithmetic = operation == Instruction::AShr;
    Value *shiftedHigh = arithmetic ? builder.CreateAShr(xHigh, within) : builder.CreateLShr(xHigh, within);
    Value *shiftedLow = builder.CreateLShr(xLow, within);
    Value *carried = builder.CreateShl(xHigh, 1);
    carried = builder.CreateShl(carried, complement);
    shiftedLow = builder.CreateOr(shiftedLow, carried);
    Value *filled = arithmetic ? builder.CreateAShr(xHigh, 63) : zero;
    Value *resultLow = builder.CreateSelect(crosses, shiftedHigh, shiftedLow);
    Value *resultHigh = builder.CreateSelect(crosses, filled, shiftedHigh);
    return join(builder, resultLow, resultHigh);
  }

  // llvm.fshl and llvm.fshr of a value wider than 64 bits by an amount that is not constant.
  Value *funnelShift(IRBuilder<> &builder, Value *upper, Value *lower, Value *amount, bool left) {
    Type *type = upper->getType();
    const unsigned width = type->getIntegerBitWidth();
    Value *one = ConstantInt::get(type, 1);
    Value *within = builder.CreateURem(amount, ConstantInt::get(type, width));
    Value *complement = builder.CreateSub(ConstantInt::get(type, width - 1), within);
    if (left) {
      Value *kept = builder.CreateShl(upper, within);
      Value *carried = builder.CreateLShr(lower, one);
      carried = builder.CreateLShr(carried, complement);
      return builder.CreateOr(kept, carried);
    }
    Value *kept = builder.CreateLShr(lower, within);
    Value *carried = builder.CreateShl(upper, one);
    carried = builder.CreateShl(carried, complement);
    return builder.CreateOr(kept, carried);
  }

  // Signed quotient or remainder through the unsigned one: SBPF v3 divides unsigned only.
  Value *divideSigned(IRBuilder<> &builder, Value *x, Value *y, bool remainder) {
    const unsigned width = x->getType()->getIntegerBitWidth();
    Value *xSign = builder.CreateAShr(x, width - 1);
    Value *ySign = builder.CreateAShr(y, width - 1);
    Value *xSize = negateIf(builder, xSign, x);
    Value *ySize = negateIf(builder, ySign, y);
    if (remainder)
      return negateIf(builder, xSign, builder.CreateURem(xSize, ySize));
    Value *quotient = builder.CreateUDiv(xSize, ySize);
    return negateIf(builder, builder.CreateXor(xSign, ySign), quotient);
  }

  // Quotient or remainder of 128-bit values.
  Value *divide128(IRBuilder<> &builder, Instruction::BinaryOps operation, Value *x, Value *y) {
    const bool isUnsigned = operation == Instruction::UDiv || operation == Instruction::URem;
    if (isUnsigned && fitsIn64(x) && fitsIn64(y)) {
      Value *xLow = low(builder, x);
      Value *yLow = low(builder, y);
      return builder.CreateZExt(builder.CreateBinOp(operation, xLow, yLow), context.int128);
    }
    const char *name = operation == Instruction::UDiv   ? "__udivti3"
                       : operation == Instruction::URem ? "__umodti3"
                       : operation == Instruction::SDiv ? "__divti3"
                                                        : "__modti3";
    return context.callRuntime(builder, name, context.int128, {x, y});
  }

private:
  struct Product {
    Value *value;
    Value *overflowed;
  };

  Context &context;
  Function *multiplyHighFunction = nullptr;

  // A function for the upper 64 bits of a 64-bit product, from four 32-bit products.
  Function *multiplyHigh() {
    if (multiplyHighFunction)
      return multiplyHighFunction;
    Function *function = Function::Create(FunctionType::get(context.int64, {context.int64, context.int64}, false),
                                          GlobalValue::InternalLinkage, "__sbf_multiply_high", context.module);
    function->addFnAttr(Attribute::NoInline);
    function->addFnAttr("target-cpu", "v2");
    IRBuilder<> builder(BasicBlock::Create(context.llvm, "entry", function));
    Value *x = function->getArg(0), *y = function->getArg(1);
    Value *mask = builder.getInt64(0xffffffffu);
    Value *xLow = builder.CreateAnd(x, mask);
    Value *xHigh = builder.CreateLShr(x, 32);
    Value *yLow = builder.CreateAnd(y, mask);
    Value *yHigh = builder.CreateLShr(y, 32);
    Value *lowLow = builder.CreateMul(xLow, yLow);
    Value *lowHigh = builder.CreateMul(xLow, yHigh);
    Value *highLow = builder.CreateMul(xHigh, yLow);
    Value *highHigh = builder.CreateMul(xHigh, yHigh);
    Value *carry = builder.CreateLShr(lowLow, 32);
    Value *middle = builder.CreateAdd(lowHigh, carry);
    Value *middleLow = builder.CreateAnd(middle, mask);
    Value *other = builder.CreateAdd(highLow, middleLow);
    Value *middleHigh = builder.CreateLShr(middle, 32);
    Value *otherHigh = builder.CreateLShr(other, 32);
    Value *carries = builder.CreateAdd(middleHigh, otherHigh);
    builder.CreateRet(builder.CreateAdd(highHigh, carries));
    return multiplyHighFunction = function;
  }

  Product unsigned64(IRBuilder<> &builder, Value *x, Value *y) {
    Value *value = builder.CreateMul(x, y);
    Value *upper = builder.CreateCall(multiplyHigh(), {x, y});
    return {value, builder.CreateICmpNE(upper, builder.getInt64(0))};
  }

  Product signed64(IRBuilder<> &builder, Value *x, Value *y) {
    Value *value = builder.CreateMul(x, y);
    Value *upper = builder.CreateCall(multiplyHigh(), {x, y});
    // The signed upper half: from the unsigned one, take off each factor where the other is negative.
    for (auto [sign, factor] : {std::pair{x, y}, std::pair{y, x}}) {
      Value *negative = builder.CreateAShr(sign, 63);
      Value *correction = builder.CreateAnd(negative, factor);
      upper = builder.CreateSub(upper, correction);
    }
    Value *expected = builder.CreateAShr(value, 63);
    return {value, builder.CreateICmpNE(upper, expected)};
  }

  Product unsigned128(IRBuilder<> &builder, Value *x, Value *y) {
    Value *xLow = low(builder, x);
    Value *xHigh = high(builder, x);
    Value *yLow = low(builder, y);
    Value *yHigh = high(builder, y);
    Value *zero = builder.getInt64(0);
    Value *valueLow = builder.CreateMul(xLow, yLow);
    Value *carried = builder.CreateCall(multiplyHigh(), {xLow, yLow});
    Product one = unsigned64(builder, xHigh, yLow);
    Product other = unsigned64(builder, xLow, yHigh);
    // If both upper halves are filled the product overflows anyway; if one is not, one of the cross products is 0.
    Value *cross = builder.CreateAdd(one.value, other.value);
    Value *valueHigh = builder.CreateAdd(carried, cross);
    Value *xFilled = builder.CreateICmpNE(xHigh, zero);
    Value *yFilled = builder.CreateICmpNE(yHigh, zero);
    Value *overflowed = builder.CreateAnd(xFilled, yFilled);
    Value *crossOverflowed = builder.CreateOr(one.overflowed, other.overflowed);
    overflowed = builder.CreateOr(overflowed, crossOverflowed);
    Value *sumOverflowed = builder.CreateICmpULT(valueHigh, cross);
    overflowed = builder.CreateOr(overflowed, sumOverflowed);
    return {join(builder, valueLow, valueHigh), overflowed};
  }

  Product signed128(IRBuilder<> &builder, Value *x, Value *y) {
    Type *type = x->getType();
    Value *zero = ConstantInt::get(type, 0);
    Value *xNegative = builder.CreateICmpSLT(x, zero);
    Value *yNegative = builder.CreateICmpSLT(y, zero);
    Value *xNegated = builder.CreateNeg(x);
    Value *yNegated = builder.CreateNeg(y);
    Value *xSize = builder.CreateSelect(xNegative, xNegated, x);
    Value *ySize = builder.CreateSelect(yNegative, yNegated, y);
    Product size = unsigned128(builder, xSize, ySize);
    Value *negative = builder.CreateXor(xNegative, yNegative);
    Value *negated = builder.CreateNeg(size.value);
    Value *value = builder.CreateSelect(negative, negated, size.value);
    // The most negative value has no positive counterpart.
    Value *minimum = ConstantInt::get(type, APInt::getSignedMinValue(128));
    Value *beyondNegative = builder.CreateICmpUGT(size.value, minimum);
    Value *beyondPositive = builder.CreateICmpUGE(size.value, minimum);
    Value *beyond = builder.CreateSelect(negative, beyondNegative, beyondPositive);
    return {value, builder.CreateOr(size.overflowed, beyond)};
  }

  // value, or -value where sign is all ones (it is 0 otherwise).
  Value *negateIf(IRBuilder<> &builder, Value *sign, Value *value) {
    Value *flipped = builder.CreateXor(value, sign);
    return builder.CreateSub(flipped, sign);
  }

  Value *low(IRBuilder<> &builder, Value *value) { return builder.CreateTrunc(value, context.int64); }

  Value *high(IRBuilder<> &builder, Value *value) {
    return builder.CreateTrunc(builder.CreateLShr(value, 64), context.int64);
  }

  Value *join(IRBuilder<> &builder, Value *lowHalf, Value *highHalf) {
    Value *lower = builder.CreateZExt(lowHalf, context.int128);
    Value *upper = builder.CreateZExt(highHalf, context.int128);
    upper = builder.CreateShl(upper, 64);
    return builder.CreateOr(lower, upper);
  }

  // The 64-bit limbs of a value, without those that are known to be 0.
  SmallVector<Value *> limbs(IRBuilder<> &builder, Value *value, Type *whole, unsigned count) {
    unsigned filled = count;
    if (auto *extension = dyn_cast<ZExtInst>(value))
      filled = (extension->getSrcTy()->getIntegerBitWidth() + 63) / 64;
    else if (auto *constant = dyn_cast<ConstantInt>(value))
      filled = (constant->getValue().getActiveBits() + 63) / 64;
    Value *extended = builder.CreateZExt(value, whole);
    SmallVector<Value *> result;
    for (unsigned i = 0; i < filled; i++) {
      Value *limb = i ? builder.CreateLShr(extended, 64 * i) : extended;
      result.push_back(builder.CreateTrunc(limb, context.int64));
    }
    return result;
  }

  static bool fitsIn64(Value *value) {
    if (auto *extension = dyn_cast<ZExtInst>(value))
      return extension->getSrcTy()->getIntegerBitWidth() <= 64;
    if (auto *constant = dyn_cast<ConstantInt>(value))
      return constant->getValue().getActiveBits() <= 64;
    return false;
  }
};

} // namespace sbf
