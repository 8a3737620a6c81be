//! What all requests of a session share: the graph and its params, fetched, hashed and checked before any bond is at risk.

use crate::config::{Limits, NodeConfig};
use crate::estimate::operations;
use crate::prepare::{Artifacts, NotWhole, Prepared, malformed, output_of, pinned, resolved, unblocked};
use crate::refusal::Refusal;
use assay::market::OutputDescriptor;
use assay::state::Session;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::artifact::{bundle_bytes, decode_bundle};
use bytes::Bytes;
use referee::graph::{Graph, IR_VERSION, MAX_GRAPH_BYTES, ResolvedGraph, TensorKind};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Forms whose graphs are remembered: resolving is cheap, and a client may use many.
const REMEMBERED_FORMS: usize = 64;
const GIGA: u128 = 1_000_000_000;

/// Where graph and params are, and what they have to be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) graph_uri: String,
    pub(crate) params_uri: String,
    /// What a request pays, in base units of the payment mint.
    pub(crate) price: u64,
    /// Roots of graph and params, where they are pinned.
    pub(crate) roots: Option<([u8; 32], [u8; 32])>,
}

/// Graph and params of a session.
#[derive(Debug)]
pub(crate) struct Material {
    definition: Arc<Graph>,
    params: Arc<TensorSet>,
    /// Root of the graph, which is one at all values of the symbols.
    pub(crate) graph_root: [u8; 32],
    pub(crate) params_root: [u8; 32],
    /// Slots, shapes and types of the params, which are the same at all values of the symbols.
    param_uids: Vec<[u8; 8]>,
    limits: Limits,
    forms: Mutex<VecDeque<Arc<Form>>>,
    /// Bytes of the inputs at the largest values of the symbols.
    pub(crate) most_input_bytes: u64,
}

/// The graph at some values of its symbols.
#[derive(Debug)]
pub(crate) struct Form {
    /// The values; unused ones are 0.
    pub(crate) symbols: [u32; 4],
    /// The graph.
    pub(crate) graph: Arc<ResolvedGraph>,
    /// Where its output lies.
    pub(crate) output: OutputDescriptor,
    /// Bytes of the bundle of its inputs.
    pub(crate) input_bytes: u64,
}

impl Material {
    /// Fetches, hashes and checks what a session pins, within the limits of the node.
    ///
    /// # Errors
    /// The first thing that is wrong: N0201 to N0205, N0209, N0221, N0222.
    pub(crate) async fn of(session: &Session, artifacts: &Artifacts, config: &NodeConfig) -> Result<Self, NotWhole> {
        if session.ir_version != IR_VERSION {
            let given = session.ir_version;
            return Err(NotWhole::Refused(Refusal::new(
                "N0209",
                format!("the session wants IR version {given}, this node has {IR_VERSION}"),
                "update the node, or export the graph again",
            )));
        }
        let wanted = Wanted {
            graph_uri: session.graph_uri.clone(),
            params_uri: session.params_uri.clone(),
            price: session.price,
            roots: Some((session.graph_root, session.params_root)),
        };
        Self::wanted(wanted, artifacts, config).await
    }

    /// Fetches, hashes and checks a model, within the limits of the node.
    ///
    /// # Errors
    /// The first thing that is wrong: N0201 to N0203, N0205, N0221, N0222.
    pub(crate) async fn wanted(wanted: Wanted, artifacts: &Artifacts, config: &NodeConfig) -> Result<Self, NotWhole> {
        let Wanted { graph_uri, params_uri, price, roots } = wanted;
        let limits = artifacts.settings.now().limits.clone();
        let most = limits.max_artifact_bytes.min(MAX_GRAPH_BYTES as u64);
        let bytes = artifacts.read("graph", &graph_uri, most).await?;
        let (graph_root, memory) = (roots.map(|(graph, _)| graph), limits.max_memory_bytes);
        let sessions = config.sessions.clone();
        let (definition, largest) = unblocked(move || {
            let (definition, largest) = check_graph(&bytes, graph_root.as_ref(), memory)?;
            check_price(price, operations(&largest), sessions.least_price_per_giga_operation)?;
            check_inputs(bundle_bytes(&largest, TensorKind::Input), sessions.most_input_bytes)?;
            Ok((definition, largest))
        })
        .await?;
        let most = artifacts.bundle_limit("params", &largest, TensorKind::Param)?;
        let bundle = artifacts.read("params", &params_uri, most).await?;
        let params_root = roots.map(|(_, params)| params);
        Ok(unblocked(move || Self::checked(definition, &largest, &bundle, params_root, limits)).await?)
    }

    fn checked(
        definition: Graph,
        largest: &ResolvedGraph,
        params: &Bytes,
        params_root: Option<[u8; 32]>,
        limits: Limits,
    ) -> Result<Self, Refusal> {
        let params =
            decode_bundle(params, largest, TensorKind::Param).map_err(|e| malformed(format!("params: {e}")))?;
        let root = Hasher::default().params_root(largest, &params).map_err(|error| malformed(error.to_string()))?;
        if let Some(params_root) = &params_root {
            pinned("params", &root, params_root)?;
        }
        Ok(Self {
            definition: Arc::new(definition),
            params: Arc::new(params),
            graph_root: largest.root,
            params_root: root,
            param_uids: param_uids(largest),
            limits,
            forms: Mutex::default(),
            most_input_bytes: bundle_bytes(largest, TensorKind::Input),
        })
    }

    /// The graph at these values of its symbols.
    ///
    /// # Errors
    /// N0202 to N0205: the values are not within their bounds, or the graph is not one for them.
    pub(crate) fn form(&self, symbols: [u32; 4]) -> Result<Arc<Form>, Refusal> {
        if let Some(form) = self.known_form(symbols) {
            return Ok(form);
        }
        let graph = resolved(&self.definition, &symbols, self.limits.max_memory_bytes)?;
        if param_uids(&graph) != self.param_uids {
            return Err(malformed("the shape of a param depends on a symbol, which no session can have".to_owned()));
        }
        let form = Arc::new(Form {
            symbols,
            output: output_of(&graph)?,
            input_bytes: bundle_bytes(&graph, TensorKind::Input),
            graph: Arc::new(graph),
        });
        let mut forms = self.forms();
        if forms.len() >= REMEMBERED_FORMS {
            forms.pop_front();
        }
        forms.push_back(Arc::clone(&form));
        Ok(form)
    }

    /// The same, if it was made before.
    pub(crate) fn known_form(&self, symbols: [u32; 4]) -> Option<Arc<Form>> {
        let mut forms = self.forms();
        let at = forms.iter().position(|form| form.symbols == symbols)?;
        let form = forms.remove(at)?;
        forms.push_back(Arc::clone(&form));
        Some(form)
    }

    fn forms(&self) -> MutexGuard<'_, VecDeque<Arc<Form>>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The forms at the least and at the greatest values of the symbols; once if they are the same.
    pub(crate) fn extremes(&self) -> Result<Vec<Arc<Form>>, Refusal> {
        let (least, greatest) = extremes(&self.definition);
        let mut forms = vec![self.form(greatest)?];
        if least != greatest {
            forms.push(self.form(least)?);
        }
        Ok(forms)
    }

    /// A form with inputs, in which the engine runs it.
    pub(crate) fn prepared(&self, form: &Form, inputs: TensorSet) -> Prepared {
        Prepared {
            definition: Arc::clone(&self.definition),
            graph: Arc::clone(&form.graph),
            params: Arc::clone(&self.params),
            inputs: Arc::new(inputs),
            params_root: self.params_root,
        }
    }
}

/// The graph, and the same at the greatest values of its symbols.
fn check_graph(
    bytes: &[u8],
    root: Option<&[u8; 32]>,
    max_memory_bytes: u64,
) -> Result<(Graph, ResolvedGraph), Refusal> {
    let definition = Graph::decode(bytes).map_err(|error| malformed(error.to_string()))?;
    let largest = resolved(&definition, &extremes(&definition).1, max_memory_bytes)?;
    if let Some(root) = root {
        pinned("graph", &largest.root, root)?;
    }
    output_of(&largest)?;
    Ok((definition, largest))
}

fn extremes(definition: &Graph) -> ([u32; 4], [u32; 4]) {
    let (mut least, mut greatest) = ([0; 4], [0; 4]);
    for ((least, greatest), symbol) in least.iter_mut().zip(&mut greatest).zip(&definition.symbols) {
        (*least, *greatest) = (symbol.min, symbol.max);
    }
    (least, greatest)
}

fn check_price(price: u64, operations: u64, least_per_giga_operation: u64) -> Result<(), Refusal> {
    let least = u128::from(operations).saturating_mul(u128::from(least_per_giga_operation)).div_ceil(GIGA);
    if u128::from(price) >= least {
        return Ok(());
    }
    Err(Refusal::new(
        "N0221",
        format!(
            "a request pays {price}, at its largest it has {operations} operations, for which this node wants {least}"
        ),
        "offer a higher price, or lower sessions.least_price_per_giga_operation",
    ))
}

fn check_inputs(bytes: u64, most: u64) -> Result<(), Refusal> {
    if bytes <= most {
        return Ok(());
    }
    Err(Refusal::new(
        "N0222",
        format!("the inputs of a request have up to {bytes} bytes, the limit is {most}"),
        "lower the greatest values of the graph's symbols, or raise sessions.most_input_bytes",
    ))
}

fn param_uids(graph: &ResolvedGraph) -> Vec<[u8; 8]> {
    let slots = graph.slots_of(TensorKind::Param);
    slots.iter().filter_map(|slot| graph.tensors.get(usize::from(*slot))).map(|tensor| tensor.layout.uid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_models::mlp;

    #[test]
    fn a_price_is_compared_with_the_largest_request_rounded_up() {
        assert!(check_price(2, 1_500_000_000, 1).is_ok());
        let refusal = check_price(1, 1_500_000_000, 1).unwrap_err();
        assert!(refusal.code == "N0221" && refusal.reason.contains("wants 2"), "{refusal}");
        assert!(check_price(0, u64::MAX, 0).is_ok(), "no price is asked for");
        assert!(check_price(u64::MAX, u64::MAX, u64::MAX).is_err());
    }

    #[test]
    fn forms_are_made_once_and_refused_outside_their_bounds() {
        let shape = mlp::Shape::tiny();
        let model = mlp::model(&shape, 1).unwrap();
        let (_, greatest) = extremes(&model.graph);
        let largest = resolved(&model.graph, &greatest, u64::MAX).unwrap();
        let root = Hasher::default().params_root(&largest, &model.params).unwrap();
        let bundle = Bytes::from(assay_models::artifact::encode_bundle(&model.params));
        let limits = Limits::default();
        let material = Material::checked(model.graph.clone(), &largest, &bundle, Some(root), limits.clone()).unwrap();
        let form = material.form([2, 0, 0, 0]).unwrap();
        assert!(Arc::ptr_eq(&form, &material.form([2, 0, 0, 0]).unwrap()));
        assert!(form.input_bytes < material.most_input_bytes);
        for symbols in [[0; 4], [greatest[0] + 1, 0, 0, 0], [1, 1, 0, 0]] {
            assert_eq!(material.form(symbols).unwrap_err().code, "N0202", "{symbols:?}");
        }
        for value in 1..=greatest[0].min(200) {
            let _ = material.form([value, 0, 0, 0]);
        }
        assert!(material.forms.lock().unwrap().len() <= REMEMBERED_FORMS);
        let wrong = Material::checked(model.graph, &largest, &bundle, Some([0; 32]), limits).unwrap_err();
        assert_eq!(wrong.code, "N0203");
    }
}
