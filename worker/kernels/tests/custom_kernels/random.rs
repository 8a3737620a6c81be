//! Random functions of WGSL over integers, of which every one is valid and means the same everywhere.
//!
//! Left operands are never constant, so that nothing is folded into an error; counts of shifts and divisors that are
//! constants are in range, and an index stays within its array.

/// A small generator whose sequence never changes.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// What names an expression may use.
#[derive(Clone)]
struct Scope {
    signed: Vec<String>,
    unsigned: Vec<String>,
    /// Of those, the ones that are variables.
    written: Vec<String>,
    names: usize,
    loops: usize,
}

/// A function `element`, with a helper that it may call.
pub(crate) fn program(random: &mut Random) -> String {
    let helper =
        Scope { signed: vec!["p".into()], unsigned: vec!["q".into()], written: Vec::new(), names: 0, loops: 2 };
    let mut text = String::from("fn helper(p: i32, q: u32) -> i32 {\n");
    if random.below(2) == 0 {
        let condition = condition(random, &helper, 1);
        text.push_str(&format!("    if {condition} {{ return {}; }}\n", signed(random, &helper, 1)));
    }
    text.push_str(&format!("    return {};\n}}\n", signed(random, &helper, 2)));
    let mut scope = Scope {
        signed: vec!["a".into(), "b".into()],
        unsigned: vec!["c".into()],
        written: Vec::new(),
        names: 0,
        loops: 0,
    };
    text.push_str("fn element(a: i32, b: i32, c: u32) -> i32 {\n");
    for _ in 0..2 {
        variable(random, &mut scope, &mut text, 1);
    }
    let statements = 2 + random.below(4);
    block(random, &mut scope, &mut text, 1, statements, None);
    text.push_str(&format!("    return {};\n}}\n", signed(random, &scope, 2)));
    text
}

fn indent(depth: usize) -> String {
    "    ".repeat(depth)
}

fn variable(random: &mut Random, scope: &mut Scope, text: &mut String, depth: usize) {
    let name = format!("v{}", scope.names);
    scope.names += 1;
    let value = signed(random, scope, 2);
    text.push_str(&format!("{}var {name} = {value};\n", indent(depth)));
    scope.signed.push(name.clone());
    scope.written.push(name);
}

/// Statements; `leave` is what an `if` of the innermost loop may do.
fn block(
    random: &mut Random,
    scope: &mut Scope,
    text: &mut String,
    depth: usize,
    statements: usize,
    leave: Option<&[&str]>,
) {
    for _ in 0..statements {
        let outer = scope.clone();
        match random.below(12) {
            0 | 1 => variable(random, scope, text, depth),
            2 => {
                let name = format!("u{}", scope.names);
                scope.names += 1;
                text.push_str(&format!("{}let {name} = {};\n", indent(depth), unsigned(random, scope, 2)));
                scope.unsigned.push(name);
            }
            3 | 4 if depth < 4 => {
                text.push_str(&format!("{}if {} {{\n", indent(depth), condition(random, scope, 2)));
                let inside = 1 + random.below(2);
                block(random, scope, text, depth + 1, inside, leave);
                restore(scope, &outer);
                if random.below(2) == 0 {
                    text.push_str(&format!("{}}} else {{\n", indent(depth)));
                    block(random, scope, text, depth + 1, 1, leave);
                    restore(scope, &outer);
                }
                text.push_str(&format!("{}}}\n", indent(depth)));
            }
            5 | 6 if scope.loops < 2 => {
                repeat(random, scope, text, depth);
                restore(scope, &outer);
            }
            7 if depth < 3 => {
                text.push_str(&format!("{}switch {} & 3 {{\n", indent(depth), signed(random, scope, 1)));
                for label in ["case 0, 2: {", "case 1: {", "default: {"] {
                    text.push_str(&format!("{}{label}\n", indent(depth + 1)));
                    block(random, scope, text, depth + 2, 1, None);
                    restore(scope, &outer);
                    text.push_str(&format!("{}}}\n", indent(depth + 1)));
                }
                text.push_str(&format!("{}}}\n", indent(depth)));
            }
            8 if leave.is_some() => {
                let what = random.pick(leave.unwrap_or(&[]));
                let what =
                    if what == "return" { format!("return {}", signed(random, scope, 1)) } else { what.to_owned() };
                text.push_str(&format!("{}if {} {{ {what}; }}\n", indent(depth), condition(random, scope, 1)));
            }
            _ => {
                let value = signed(random, scope, 2);
                let target = scope.written[random.below(scope.written.len())].clone();
                let operator = random.pick(&["=", "=", "+=", "^=", "-="]);
                text.push_str(&format!("{}{target} {operator} {value};\n", indent(depth)));
            }
        }
    }
}

/// Leaves a block: its names are gone, but never given again.
fn restore(scope: &mut Scope, outer: &Scope) {
    let names = scope.names;
    *scope = Scope { names, ..outer.clone() };
}

fn repeat(random: &mut Random, scope: &mut Scope, text: &mut String, depth: usize) {
    let counter = format!("i{}", scope.names);
    scope.names += 1;
    scope.loops += 1;
    let turns = if random.below(2) == 0 { 1 + random.below(5) } else { 20 + random.below(80) };
    let header = match random.below(4) {
        0 => format!("for (var {counter} = {turns}; {counter} > 0; {counter}--)"),
        1 => format!("for (var {counter} = 1; {counter} <= {}; {counter} += 3)", 3 * turns),
        _ => format!("for (var {counter} = 0; {counter} < {turns}; {counter}++)"),
    };
    text.push_str(&format!("{}{header} {{\n", indent(depth)));
    scope.signed.push(counter);
    let statements = 1 + random.below(3);
    block(random, scope, text, depth + 1, statements, Some(&["break", "continue", "break", "return"]));
    text.push_str(&format!("{}}}\n", indent(depth)));
}

fn literal(random: &mut Random) -> i32 {
    match random.below(4) {
        0 => random.below(10) as i32,
        1 => -(random.below(300) as i32) - 1,
        2 => 1 << random.below(31),
        _ => (random.next() as i32).max(-i32::MAX),
    }
}

fn name(random: &mut Random, from: &[String]) -> String {
    from[random.below(from.len())].clone()
}

/// An `i32`.
fn signed(random: &mut Random, scope: &Scope, depth: usize) -> String {
    if depth == 0 {
        return match random.below(8) {
            0 => format!("i32({})", name(random, &scope.unsigned)),
            _ => name(random, &scope.signed),
        };
    }
    let left = signed(random, scope, depth - 1);
    let right = if random.below(3) == 0 { format!("({})", literal(random)) } else { signed(random, scope, depth - 1) };
    match random.below(16) {
        0..=5 => format!("({left} {} {right})", random.pick(&["+", "-", "*", "&", "|", "^"])),
        6 => format!("({left} {} {})", random.pick(&["/", "%"]), signed(random, scope, depth - 1)),
        7 => format!("({left} {} ({}))", random.pick(&["/", "%"]), random.pick(&["3", "-7", "16", "1000003", "-1"])),
        8 => format!("({left} {} {}u)", random.pick(&["<<", ">>"]), random.below(32)),
        9 => format!("({left} {} ({} & 31u))", random.pick(&["<<", ">>"]), unsigned(random, scope, depth - 1)),
        10 => format!("{}({left}, {right})", random.pick(&["min", "max"])),
        11 => format!("{}({left})", random.pick(&["abs", "-", "~", "sign", "countLeadingZeros", "firstTrailingBit"])),
        12 => format!("select({left}, {right}, {})", condition(random, scope, depth - 1)),
        13 => format!("i32({})", unsigned(random, scope, depth - 1)),
        14 => format!("t[{} & 15u]", unsigned(random, scope, depth - 1)),
        _ if scope.signed[0] != "p" => format!("helper({left}, {})", unsigned(random, scope, depth - 1)),
        _ => format!("clamp({left}, -100, 77777)"),
    }
}

/// A `u32`.
fn unsigned(random: &mut Random, scope: &Scope, depth: usize) -> String {
    if depth == 0 {
        return match random.below(3) {
            0 => format!("u32({})", name(random, &scope.signed)),
            _ => name(random, &scope.unsigned),
        };
    }
    let left = unsigned(random, scope, depth - 1);
    let right =
        if random.below(3) == 0 { format!("{}u", literal(random) as u32) } else { unsigned(random, scope, depth - 1) };
    match random.below(8) {
        0..=2 => format!("({left} {} {right})", random.pick(&["+", "-", "*", "&", "|", "^"])),
        3 => format!("({left} {} {})", random.pick(&["/", "%"]), unsigned(random, scope, depth - 1)),
        4 => format!("({left} {} {}u)", random.pick(&["/", "%"]), random.pick(&["3", "8", "65535", "4294967295"])),
        5 => format!("({left} {} {}u)", random.pick(&["<<", ">>"]), random.below(32)),
        6 => format!("{}({left}, {right})", random.pick(&["min", "max"])),
        _ => format!("select({left}, {right}, {})", condition(random, scope, depth - 1)),
    }
}

/// A `bool`.
fn condition(random: &mut Random, scope: &Scope, depth: usize) -> String {
    let comparison = random.pick(&["<", "<=", ">", ">=", "==", "!="]);
    if depth > 1 && random.below(3) == 0 {
        let (left, right) = (condition(random, scope, depth - 1), condition(random, scope, depth - 1));
        return format!("({left} {} {right})", random.pick(&["&&", "||", "!="]));
    }
    let depth = depth.saturating_sub(1);
    match random.below(5) {
        0 => format!("({} {comparison} {})", unsigned(random, scope, depth), unsigned(random, scope, depth)),
        1 => format!("!({} {comparison} {})", signed(random, scope, depth), signed(random, scope, depth)),
        2 => format!("({} {comparison} ({}))", signed(random, scope, depth), literal(random)),
        _ => format!("({} {comparison} {})", signed(random, scope, depth), signed(random, scope, depth)),
    }
}
