//! Sum, SumPair, ArgMax and ArgMin: by a thread for short reductions, by a workgroup for long ones.

use super::address::decode;
use super::lower::Lowered;
use super::map::{THREADS, open_unit};
use super::output::Outputs;
use super::program::{Outcome, Site, Value, axes_used};
use super::shader::{OutputWords, Shader};
use super::{CodegenError, Job, Kernel, Strategy};
use referee::graph::{Interval, OpKind, Program, Register};

/// Reductions of at least so many points are shared by a workgroup.
const LONG: u32 = 64;
/// The index of a partial result without any point.
const NO_INDEX: &str = "0xffffffffu";

pub(super) fn kernel(job: &Job<'_>) -> Result<Kernel, CodegenError> {
    let by_workgroup = match job.options.strategy {
        Strategy::Automatic | Strategy::Tiles => job.op.reduction_points() >= LONG,
        Strategy::Threads => false,
        Strategy::Workgroups => true,
    };
    job.first_within([by_workgroup, true].map(|by_workgroup| move |job: &Job<'_>| kernel_by(job, by_workgroup)))
}

fn kernel_by(job: &Job<'_>, by_workgroup: bool) -> Result<Kernel, CodegenError> {
    let (prologue, epilogue) = (job.prologue()?, job.program()?);
    let order: Vec<usize> = (0..job.op.reduction_dims.len()).collect();
    let lowered = Lowered::new(job.op, [Some(prologue), Some(epilogue)], &order);
    let points = lowered.reduction_points();
    let reduction = Reduction::new(job, &lowered, prologue, epilogue);
    let mut shader = Shader::new(job.options.wide);
    let outputs = Outputs::new(&mut shader, &job.output_dtypes()?, lowered.output_elements(), OutputWords::Plain);
    let groups = if by_workgroup {
        shader.open(format!("if (group >= {}u)", outputs.units()));
        shader.line("return;");
        shader.close();
        outputs.open(&mut shader, "group");
        let coordinates = reduction.output_coordinates(&mut shader);
        reduction.declare_lanes(&mut shader);
        shader.repeat("point", "local", points, THREADS);
        reduction.visit(&mut shader, &coordinates)?;
        shader.close();
        reduction.combine_workgroup(&mut shader);
        shader.open("if (local == 0u)");
        let outcome = reduction.epilogue(&mut shader, &coordinates)?;
        outputs.store(&mut shader, &outcome.stored)?;
        shader.close();
        outputs.units()
    } else {
        open_unit(&mut shader, outputs.units());
        outputs.open(&mut shader, "unit");
        let coordinates = reduction.output_coordinates(&mut shader);
        reduction.declare_lanes(&mut shader);
        shader.repeat("point", "0u", points, 1);
        reduction.visit(&mut shader, &coordinates)?;
        shader.close();
        let outcome = reduction.epilogue(&mut shader, &coordinates)?;
        outputs.store(&mut shader, &outcome.stored)?;
        outputs.units().div_ceil(THREADS)
    };
    outputs.close(&mut shader);
    let work = u64::from(lowered.output_elements()) * u64::from(points);
    Ok(shader.finish(THREADS, groups, work))
}

/// What the prologue's register 0 or 1 is folded into.
struct Lane {
    name: String,
    register: Register,
    wide: bool,
    interval: Interval,
}

impl Lane {
    fn type_name(&self) -> &'static str {
        if self.wide { "wide" } else { "i32" }
    }

    fn zero(&self) -> &'static str {
        if self.wide { "w_extend(0i)" } else { "0i" }
    }

    /// The prologue's value at this lane's width; a sum that fits 32 bits needs only the low words of its summands.
    fn of(&self, value: &Value) -> String {
        if self.wide { value.extended() } else { value.low() }
    }

    fn add(&self, to: &str, value: &str) -> String {
        if self.wide { format!("w_add({to}, {value})") } else { format!("{to} + {value}") }
    }
}

struct Reduction<'a> {
    job: &'a Job<'a>,
    lowered: &'a Lowered,
    prologue: &'a Program,
    epilogue: &'a Program,
    intervals: referee::graph::OpIntervals,
    lanes: Vec<Lane>,
}

impl<'a> Reduction<'a> {
    fn new(job: &'a Job<'a>, lowered: &'a Lowered, prologue: &'a Program, epilogue: &'a Program) -> Self {
        let intervals = job.graph.intervals(job.op);
        let lane = |register: Register, preset: usize| {
            let interval = intervals.presets[preset];
            Lane { name: format!("lane_{register}"), register, wide: !interval.fits_i32(), interval }
        };
        let lanes = match job.op.kind {
            OpKind::SumPair => vec![lane(0, 0), lane(1, 1)],
            OpKind::ArgMax | OpKind::ArgMin => vec![lane(0, 1)],
            _ => vec![lane(0, 0)],
        };
        Self { job, lowered, prologue, epilogue, intervals, lanes }
    }

    fn finds_index(&self) -> bool {
        matches!(self.job.op.kind, OpKind::ArgMax | OpKind::ArgMin)
    }

    fn live(&self) -> Vec<Register> {
        self.lanes.iter().map(|lane| lane.register).collect()
    }

    fn output_coordinates(&self, shader: &mut Shader) -> Vec<String> {
        let prologue = axes_used(self.lowered, self.prologue, &self.live());
        let epilogue = axes_used(self.lowered, self.epilogue, &[]);
        decode(shader, "element", &self.lowered.outputs, |axis| prologue[axis] || epilogue[axis])
    }

    fn declare_lanes(&self, shader: &mut Shader) {
        for lane in &self.lanes {
            shader.line(format!("var {} = {};", lane.name, lane.zero()));
        }
        if self.finds_index() {
            shader.line(format!("var best = {NO_INDEX};"));
        }
    }

    /// Runs the prologue at `point` and folds its registers into the lanes.
    fn visit(&self, shader: &mut Shader, coordinates: &[String]) -> Result<(), CodegenError> {
        let outputs = self.lowered.outputs.len();
        let used = axes_used(self.lowered, self.prologue, &self.live());
        let reductions = decode(shader, "point", &self.lowered.reductions, |axis| used[outputs + axis]);
        let all: Vec<String> = coordinates.iter().cloned().chain(reductions).collect();
        let registers = self.run(shader, self.prologue, &self.intervals.prologue, &all, &[], &self.live())?.registers;
        if self.finds_index() {
            let lane = &self.lanes[0];
            let value = shader.bind("value", lane.of(&registers[0]));
            let better = self.better(&value, &lane.name);
            shader.open(format!("if (best == {NO_INDEX} || {better})"));
            shader.line(format!("{} = {value};", lane.name));
            shader.line("best = point;");
            shader.close();
        } else {
            for lane in &self.lanes {
                let value = lane.of(&registers[usize::from(lane.register)]);
                shader.line(format!("{0} = {1};", lane.name, lane.add(&lane.name, &value)));
            }
        }
        Ok(())
    }

    /// Whether value `a` beats `b`.
    fn better(&self, a: &str, b: &str) -> String {
        match (self.job.op.kind == OpKind::ArgMin, self.lanes[0].wide) {
            (false, false) => format!("{a} > {b}"),
            (true, false) => format!("{a} < {b}"),
            (false, true) => format!("w_less({b}, {a})"),
            (true, true) => format!("w_less({a}, {b})"),
        }
    }

    /// Folds the lanes of all threads of the workgroup into those of its first thread.
    fn combine_workgroup(&self, shader: &mut Shader) {
        for lane in &self.lanes {
            shader.global(format!("var<workgroup> shared_{}: array<{}, {THREADS}>;", lane.name, lane.type_name()));
            shader.line(format!("shared_{0}[local] = {0};", lane.name));
        }
        if self.finds_index() {
            shader.global(format!("var<workgroup> shared_best: array<u32, {THREADS}>;"));
            shader.line("shared_best[local] = best;");
        }
        shader.line("workgroupBarrier();");
        shader.open_loop(format!("for (var half = {}u; half > 0u; half = half >> 1u)", THREADS / 2), THREADS.ilog2());
        shader.open("if (local < half)");
        if self.finds_index() {
            let lane = &self.lanes[0].name;
            shader.line(format!("let value = shared_{lane}[local + half];"));
            shader.line("let index = shared_best[local + half];");
            let better = self.better("value", lane);
            let worse = self.better(lane, "value");
            // Ties take the lowest index.
            let wins = format!("{better} || (!({worse}) && index < best)");
            shader.open(format!("if (index != {NO_INDEX} && (best == {NO_INDEX} || {wins}))"));
            shader.line(format!("{lane} = value;"));
            shader.line("best = index;");
            shader.line(format!("shared_{lane}[local] = value;"));
            shader.line("shared_best[local] = index;");
            shader.close();
        } else {
            for lane in &self.lanes {
                let name = &lane.name;
                let other = format!("shared_{name}[local + half]");
                shader.line(format!("{name} = {};", lane.add(name, &other)));
                shader.line(format!("shared_{name}[local] = {name};"));
            }
        }
        shader.close();
        shader.line("workgroupBarrier();");
        shader.close();
    }

    fn epilogue(&self, shader: &mut Shader, coordinates: &[String]) -> Result<Outcome, CodegenError> {
        let mut all = coordinates.to_vec();
        all.resize(coordinates.len() + self.lowered.reductions.len(), "0u".to_owned());
        let lane = |lane: &Lane| {
            let value = if lane.wide { Value::wide(&lane.name) } else { Value::narrow(&lane.name) };
            value.within(&lane.interval)
        };
        let mut presets: Vec<Value> = self.lanes.iter().map(lane).collect();
        if self.finds_index() {
            // A checked graph reduces far fewer than 2^31 points.
            presets.insert(0, Value::narrow("bitcast<i32>(best)").within(&self.intervals.presets[0]));
        }
        self.run(shader, self.epilogue, &self.intervals.epilogue, &all, &presets, &[])
    }

    fn run(
        &self,
        shader: &mut Shader,
        program: &Program,
        intervals: &[Interval],
        coordinates: &[String],
        presets: &[Value],
        live: &[Register],
    ) -> Result<Outcome, CodegenError> {
        let operands = self.job.tensor_operands();
        let truncates = self.job.options.truncates();
        let lowered = self.lowered;
        Site { program, intervals, lowered, operands: &operands, coordinates, presets, truncates }.emit(shader, live)
    }
}
