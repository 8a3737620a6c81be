//! Every rule that a graph can break: its stable code, what it says, and what to change.

use crate::graph::error::{CheckError, Site};
use alloc::string::String;

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable code.
    pub code: &'static str,
    /// What a graph must be.
    pub title: &'static str,
    /// What to change when it is not.
    pub fix: &'static str,
}

impl Rule {
    /// The refusal of a graph that breaks this rule at `site`.
    pub(in crate::graph) fn broken(&self, site: Site, reason: String) -> CheckError {
        CheckError { code: self.code, site, reason, fix: self.fix }
    }
}

macro_rules! rules {
    ($($name:ident $code:literal $title:literal $fix:literal)*) => {
        $(pub(in crate::graph) const $name: Rule = Rule { code: $code, title: $title, fix: $fix };)*
        /// All rules, in the order of their codes.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    LIST_BOUND "G0101" "no list is longer than its bound"
        "split the graph or the op"
    ENCODED_SIZE "G0102" "the encoding is at most 4 MiB"
        "share programs between ops or split the graph"
    EMPTY_GRAPH "G0103" "a graph has an op and an output"
        "add what is missing"
    SYMBOL_BOUNDS "G0104" "a symbol's bounds are 1 or more, the least first"
        "choose 1 <= min <= max"
    SYMBOL_UNUSED "G0105" "every symbol is the length of some axis"
        "remove the symbol"
    SYMBOL_MISSING "G0106" "a dim names a symbol of the graph"
        "declare the symbol or use a constant"
    CUTS "G0107" "cuts strictly increase and leave no segment empty"
        "give op indices from 1 to the last op, in increasing order"
    OUTPUTS "G0108" "the outputs of a graph are distinct tensors that its ops produce"
        "name each result once, by the slot of a Temp"
    TENSOR_AXES "G0109" "a tensor has 1 to 6 axes of length 1 or more"
        "give every axis a length of at least 1"
    PRODUCER "G0110" "every Temp is produced by one output of one op, and no other tensor is"
        "give each Temp exactly one producer"
    OUTPUT_SHAPE "G0111" "an op's outputs have the shape of its output axes"
        "make the tensor's shape equal to the op's output axes"
    PROGRAM_UNUSED "G0112" "every program is used by an op"
        "remove the program"
    PROGRAM_MISSING "G0113" "an op names programs of the graph"
        "use the index of a program"
    PROLOGUE "G0114" "Sum, SumPair, ArgMax and ArgMin have a prologue, Contract and Map have none"
        "give a prologue to exactly the reducing kinds"
    OP_AXES "G0115" "an op has 1 to 5 output axes of length 1 or more, and up to 3 reduction axes of length 1 or more"
        "add an axis of length 1, or merge axes"
    MAP_REDUCES "G0116" "a Map has no reduction axes"
        "use Sum, ArgMax or ArgMin to reduce"
    OP_OUTPUTS "G0117" "an op has an output, and at most 7 operands and outputs together"
        "split the op"

    OPERAND_MISSING "G0120" "an operand is a tensor of the graph"
        "use the slot of a tensor"
    TOPOLOGY "G0121" "an op reads Temps of earlier ops only"
        "move the op behind the one that produces its operand"
    VIEW_SHAPE "G0122" "a view has as many elements as its tensor, whatever the symbols are"
        "keep the product of the constants and the set of symbols"
    VIEW_OFFSETS "G0123" "a view has one offset for each axis"
        "give one offset for each axis of as_shape"
    VIEW_TERMS "G0124" "a view's terms are sorted, name each pair of axes at most once, and have no coefficient 0"
        "sort by (source axis, iteration axis), merge equal pairs and drop zeros"
    VIEW_AXES "G0125" "a view's terms name axes of the view and of the op"
        "use axes below the number of axes"
    VIEW_INDIRECT "G0126" "an indirect axis is an axis of the view, without term and with offset 0"
        "move terms and offset of that axis into the register that indexes it"
    VIEW_REACH "G0127" "no coordinate of a view leaves 62 bits"
        "lower the coefficients"

    CONTRACT_OPERANDS "G0130" "a Contract has operands 0 and 1 of i8 x i8, u8 x i8 or i8 x u8"
        "store one side as i8 and the other as i8 or u8"
    CONTRACT_PAD "G0131" "the pad of a Contract's operands 0 and 1 is 0"
        "pad with 0, or write the padded tensor by a Map first"
    CONTRACT_INDIRECT "G0132" "operands 0 and 1 of a Contract are direct"
        "take the rows by a Map first"
    CONTRACT_LENGTH "G0133" "a Contract cannot wrap: at most 131,071 products of i8 x i8 or 65,793 of u8 x i8"
        "split the reduction and add the parts in an epilogue"
    REDUCTION_OPERAND "G0134" "what an epilogue reads does not move along reduction axes"
        "read it in a prologue, or drop the terms of reduction axes"

    REGISTER "G0140" "registers are below 16"
        "use registers 0 to 15"
    CONSTANT "G0141" "a constant that is loaded is one of the program's"
        "add the constant to the program"
    ROUND_SHIFT "G0142" "a rounding shift is by 1 to 63"
        "use another instruction for a shift by 0"
    STORE_IN_PROLOGUE "G0143" "a prologue stores nothing"
        "leave the value in register 0 and store in the op's program"
    STORES "G0144" "an op's program stores each of its outputs exactly once"
        "store every output once"
    OPERAND_INDEX "G0145" "an operand that is read is one of the op's"
        "use an index below the number of operands"
    AXIS_INDEX "G0146" "an axis that is asked for is one of the op's, and in an epilogue not the index of a reduction axis"
        "use an axis of the iteration space; reduction axes have no index after the reduction"
    ACCESS "G0147" "LDX reads direct views, LDG indirect ones"
        "use the instruction that fits the view"

    SYMBOL_COUNT "G0150" "every symbol gets a value"
        "give one value for each symbol"
    SYMBOL_VALUE "G0151" "a symbol's value lies within its bounds"
        "choose a value within the symbol's bounds"
    TENSOR_SIZE "G0152" "a tensor has fewer than 2^31 bytes"
        "split the tensor or lower a symbol's maximum"
    REDUCTION_SIZE "G0153" "an op has fewer than 2^31 reduction points"
        "split the reduction"
    UIDS "G0154" "the uids of all tensors are distinct"
        "add an axis of length 1 to one of the two tensors, or move it to another slot"

    STEPS "G0160" "one element takes at most 8,192 steps"
        "split the reduction or the program over several ops"
    UPLOAD_STRIDED "G0161" "the leaves behind one element fit 16 KiB: it reads along rows"
        "reduce over the operand's innermost axis: let the op that writes it write it transposed, or swap operands 0 and 1 of the Contract that does"
    UPLOAD_LONG "G0162" "the leaves behind one element fit 16 KiB: its rows are short enough"
        "split the reduction into parts and add each partial sum in the next part's epilogue"
    COMPUTE "G0163" "one element takes at most 400,000 modelled compute units"
        "split the reduction or the program over several ops"

    LOOP_TURNS "G0170" "a loop takes at least 1 turn"
        "give it turns, or leave it out"
    LOOP_BALANCE "G0171" "every LOOP has its END, and every END its LOOP"
        "close each loop once, in the program that opens it"
    LOOP_DEPTH "G0172" "loops are nested at most 2 deep"
        "make one loop of two, or unroll the innermost"
    BREAK_OUTSIDE "G0173" "BRZ stands in a loop"
        "use SEL where there is no loop to leave"
    LOOP_KIND "G0174" "the programs of Maps alone have loops"
        "loop in a Map that reads what the other op wrote"
    STORE_IN_LOOP "G0175" "a store stands outside loops"
        "leave the value in a register and store it behind the END"

    LINT_STRIDED "G0201" "the innermost reduction axis is contiguous in every operand"
        "lay the operand out so that its innermost axis is reduced over last"
    LINT_WRAP "G0202" "no value can leave 64 bits"
        "clamp before, or make sure that wrapping is meant"
    LINT_SIZE "G0203" "a tensor is at most 128 MiB: many devices bind no more at once"
        "split the tensor or lower a symbol's maximum"
    LINT_UNREAD "G0204" "every tensor is read or is an output"
        "remove what computes it"
    LINT_UNREAD_OPERAND "G0205" "every operand is read"
        "remove the operand"
}
