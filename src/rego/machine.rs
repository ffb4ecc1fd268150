//! Evaluation: one program and one machine a thread and policy, bounded in steps and memory.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration as Time;

use regorus::languages::rego::compiler::{Compiler, CompilerError};
use regorus::rvm::program::Program;
use regorus::rvm::vm::{ExecutionMode, ExecutionState, RegoVM, SuspendReason, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{MemoryBudgetConfig, Value};
use serde_json::Value as Json;

use super::direct;
use super::function::{self, Call};
use super::watch::Watched;
use super::world::World;
use super::{Coverage, Engine, Policy, RegoError, value};
use crate::date::Moment;
use crate::finding::Identity;
use crate::schema::{Path, PathSet, ResourceId, Step};
use crate::yaml::{Kind, NodeRef};

/// Steps of the machine in one evaluation, and how many more for each resource that the rule is given as
/// `data.estate`: to look at each once is no fault.
const STEPS: usize = 1_000_000;
const STEPS_A_RESOURCE: usize = 100;
/// Bytes that one evaluation may take.
const MEMORY: u64 = 256 << 20;
/// The interpreter counts no steps, so that time bounds it.
const TIME: Time = Time::from_secs(10);
/// Policies that a thread keeps compiled.
const KEPT: usize = 1024;

/// A document as Rego sees it.
#[derive(Clone, Debug)]
pub struct Document(Value);

impl Document {
    /// The value of a node.
    pub fn of(root: NodeRef<'_>) -> Self {
        Self(value::of_node(root))
    }

    /// A change: what was, what is, and the commits that led there.
    pub fn of_change(before: Option<NodeRef<'_>>, after: Option<NodeRef<'_>>, commits: &Json) -> Self {
        let versions = [("before", before), ("after", after)];
        let versions =
            versions.into_iter().filter_map(|(key, node)| Some((value::name(key), value::of_node(node?))));
        Self(value::object(versions.chain([(value::name("commits"), Value::from(commits.clone()))])))
    }
}

/// What is judged, and what is around it.
#[derive(Debug)]
pub struct Judged<'j> {
    /// The document.
    pub root: NodeRef<'j>,
    /// The same as a value, whole, once that was needed; a policy that reads less makes what it reads.
    pub document: &'j OnceCell<Document>,
    /// Who the resource is.
    pub identity: &'j Identity,
    /// Its place in the inventory, if it has one.
    pub resource: Option<ResourceId>,
    /// The others.
    pub world: &'j Arc<World>,
    /// For rules over changes: the resources before.
    pub base: Option<&'j Arc<World>>,
    /// The clock.
    pub as_of: &'j Moment,
}

impl<'j> Judged<'j> {
    /// What functions of ours are called with.
    pub(super) fn call<'c>(&self, policy: &'c Policy) -> Call<'c>
    where
        'j: 'c,
    {
        Call {
            world: self.world,
            as_of: self.as_of,
            resource: self.resource,
            asked: &policy.uses,
            policy: policy.number,
        }
    }
}

/// One element of `deny`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What it says; none: what the rule's title says.
    pub message: Option<String>,
    /// The place in the document.
    pub path: Option<Path>,
    /// What tells it from others, where that is not the place.
    pub key: Option<String>,
}

/// Why an evaluation has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationError {
    /// What happened: a lower-case fragment.
    pub message: String,
    /// Whether a bound was reached, so that it could happen for every resource.
    pub is_exhausted: bool,
}

impl EvaluationError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_exhausted: false }
    }
}

enum Running {
    Machine(Box<RegoVM>),
    Interpreter(Box<regorus::Engine>),
}

struct Machine {
    running: Running,
    /// The number of the world that `estate` is of; 0: none yet.
    world: u64,
    estate: Value,
    params: Value,
}

/// The world, the clock, and who is judged.
type Around = (Arc<World>, Moment, Option<ResourceId>);

thread_local! {
    static MACHINES: RefCell<HashMap<u64, Machine>> = RefCell::default();
    /// What the functions of the interpreter answer from.
    static SURROUNDINGS: RefCell<Option<Around>> = const { RefCell::new(None) };
}

fn engine(policy: &Policy, texts: &[&str]) -> Result<regorus::Engine, RegoError> {
    let mut engine = regorus::Engine::new();
    // As in OPA: what a built-in function cannot compute is undefined.
    engine.set_strict_builtin_errors(false);
    let refuse = |error: anyhow::Error| RegoError::from_text(&error.to_string());
    let files = std::iter::once("rule").chain(policy.libraries.iter().map(|library| &*library.file));
    for (file, text) in files.zip(texts) {
        engine.add_policy(file.to_owned(), (*text).to_owned()).map_err(refuse)?;
    }
    Ok(engine)
}

/// The program, or why there is none, and whether the interpreter could do it.
fn program(policy: &Policy) -> Result<Arc<Program>, (RegoError, bool)> {
    let entry: regorus::Rc<str> = policy.entry.as_str().into();
    let Some(guarded) = &policy.guarded else {
        return Err((RegoError::at_start("the machine cannot be trusted with it".to_owned()), true));
    };
    let texts: Vec<&str> = guarded.iter().map(String::as_str).collect();
    // What is wrong with the guarded text alone is no fault of the rule; the interpreter tells the others.
    let compiled = engine(policy, &texts)
        .and_then(|mut engine| {
            engine.compile_with_entrypoint(&entry).map_err(|error| RegoError::from_text(&error.to_string()))
        })
        .map_err(|error| (error, true))?;
    let answered: Vec<(&str, usize)> = policy.answered.iter().map(|(name, arity)| (*name, *arity)).collect();
    let program = Compiler::compile_from_policy_with_host_await(&compiled, &[&policy.entry], &answered);
    program.map(lean).map_err(|error| {
        let message = error.error.to_string();
        let is_limit = matches!(
            error.error,
            CompilerError::WithKeywordUnsupported
                | CompilerError::PartialObjectConstantKeyUnsupported
                | CompilerError::PartialObjectNestedKeyUnsupported
                | CompilerError::RegisterOverflow { .. }
        ) || message.contains("not yet supported");
        let error = match &error.span {
            Some(span) => RegoError::at(span, message),
            None => RegoError::from_text(&message),
        };
        (error, is_limit)
    })
}

/// The program without names that only listings show: the machine copies what it knows of a rule at each step of one.
fn lean(mut program: Arc<Program>) -> Arc<Program> {
    if let Some(program) = Arc::get_mut(&mut program) {
        for info in &mut program.rule_infos {
            info.name = String::new();
            if let Some(function) = &mut info.function_info {
                function.param_names = Vec::new();
            }
            if info.destructuring_blocks.iter().all(Option::is_none) {
                info.destructuring_blocks = Vec::new();
            }
            if info.else_bodies.iter().flatten().all(|is_else| !is_else) {
                info.else_bodies = Vec::new();
            }
        }
        program.instruction_spans = Vec::new();
        program.sources = Vec::new();
    }
    program
}

/// What a policy can run on.
pub(super) fn engine_for(policy: &Policy) -> Result<Engine, RegoError> {
    match program(policy) {
        // The machine loses its way where it looks up a value of a library, rather than call a function.
        Ok(program) if !policy.uses.library_values => Ok(Engine::Machine(program)),
        Ok(_) | Err((_, true)) => {
            let mut engine = interpreter(policy)?;
            let entry: regorus::Rc<str> = policy.entry.as_str().into();
            let prepared = engine.compile_with_entrypoint(&entry);
            prepared.map(|_| Engine::Interpreter).map_err(|error| RegoError::from_text(&error.to_string()))
        }
        Err((error, false)) => Err(error),
    }
}

fn interpreter(policy: &Policy) -> Result<regorus::Engine, RegoError> {
    let libraries = policy.libraries.iter().map(|library| &*library.text);
    let texts: Vec<&str> = std::iter::once(policy.text.as_str()).chain(libraries).collect();
    let mut engine = engine(policy, &texts)?;
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: TIME,
        check_interval: NonZeroU32::new(1024).unwrap_or(NonZeroU32::MIN),
    });
    let (asked, policy_number) = (Arc::new(policy.uses.clone()), policy.number);
    for (&name, &arity) in &policy.answered {
        let asked = Arc::clone(&asked);
        let respond = move |arguments: Vec<Value>| {
            let answered = SURROUNDINGS.with_borrow(|surroundings| match surroundings {
                Some((world, as_of, resource)) => {
                    let call =
                        Call { world, as_of, resource: *resource, asked: &asked, policy: policy_number };
                    function::answer(name, &arguments, &call)
                }
                None => Err(format!("`{name}` is asked outside of an evaluation")),
            });
            answered.map_err(anyhow::Error::msg)
        };
        let added =
            engine.add_extension(name.to_owned(), u8::try_from(arity).unwrap_or(u8::MAX), Box::new(respond));
        added.map_err(|error| RegoError::from_text(&error.to_string()))?;
    }
    Ok(engine)
}

impl Machine {
    fn new(policy: &Policy) -> Result<Self, EvaluationError> {
        let running = match policy.engine() {
            Engine::Machine(program) => {
                let mut machine = RegoVM::new();
                machine.load_program(Arc::clone(program));
                machine.set_memory_budget_config(
                    NonZeroU64::new(MEMORY).map(|limit| MemoryBudgetConfig { limit }),
                );
                // The other mode loses its way where a condition fails in a comprehension: a loop around it takes
                // the failure for its own.
                machine.set_execution_mode(ExecutionMode::Suspendable);
                Running::Machine(Box::new(machine))
            }
            Engine::Interpreter => {
                let engine = interpreter(policy).map_err(|error| EvaluationError::new(error.message))?;
                Running::Interpreter(Box::new(engine))
            }
        };
        let params =
            policy.params.iter().map(|(name, param)| (value::name(name), Value::from(param.clone())));
        Ok(Self { running, world: 0, estate: Value::new_object(), params: value::object(params) })
    }

    /// What is around the resource, as `data`.
    fn data(&mut self, policy: &Policy, judged: &Judged<'_>) -> Result<Value, EvaluationError> {
        let uses = &policy.uses;
        let mut members = vec![(value::name("params"), self.params.clone())];
        if uses.clock {
            members.push((value::name("asOf"), value::name(judged.as_of.text())));
        }
        if self.world != judged.world.number() {
            let (estate, count) = judged.world.estate(uses);
            self.estate = estate;
            self.world = judged.world.number();
            if let Running::Machine(machine) = &mut self.running {
                machine.set_max_instructions(STEPS + STEPS_A_RESOURCE * count);
            }
        }
        if !uses.estate.is_empty() {
            members.push((value::name("estate"), self.estate.clone()));
        }
        if let Some(base) = judged.base.filter(|_| uses.change && !uses.estate.is_empty()) {
            let (estate, _) = base.estate(uses);
            members.push((value::name("base"), value::object([(value::name("estate"), estate)])));
        }
        if uses.identity {
            members.push((value::name("self"), judged.world.own_id(judged.resource, judged.identity)));
        }
        if !uses.references.is_empty() {
            let references = judged
                .world
                .references(judged.resource, &uses.references, uses, policy.number)
                .map_err(EvaluationError::new)?;
            members.push((value::name("references"), references));
        }
        if !uses.referrers.is_empty() {
            let referrers =
                judged.world.referrers(judged.resource, uses, policy.number).map_err(EvaluationError::new)?;
            members.push((value::name("referrers"), referrers));
        }
        Ok(value::object(members))
    }

    fn run(&mut self, policy: &Policy, judged: &Judged<'_>) -> Result<Value, EvaluationError> {
        let data = self.data(policy, judged)?;
        let own = &policy.uses.reads.own;
        // Whole documents are made once for all that need one; of others it takes less to make what they read.
        let document = if judged.document.get().is_some() || *own == PathSet::All {
            judged.document.get_or_init(|| Document::of(judged.root)).0.clone()
        } else {
            value::of_reads(judged.root, own)
        };
        match &mut self.running {
            Running::Machine(machine) => {
                machine.set_data(data).map_err(|error| failure(&error))?;
                machine.set_input(document);
                let mut result = machine.execute_entry_point_by_index(0).map_err(|error| failure(&error))?;
                loop {
                    let (name, argument) = match machine.execution_state() {
                        ExecutionState::Suspended {
                            reason: SuspendReason::HostAwait { argument, identifier, .. },
                            ..
                        } => (identifier.clone(), argument.clone()),
                        _ => return Ok(result),
                    };
                    let name = name.as_string().map_or("", |name| name);
                    let arguments =
                        argument.as_array().map(regorus::value::Array::to_vec).unwrap_or_default();
                    let call = judged.call(policy);
                    let answer = function::answer(name, &arguments, &call).map_err(EvaluationError::new)?;
                    result = machine.resume(Some(answer)).map_err(|error| failure(&error))?;
                }
            }
            Running::Interpreter(engine) => {
                SURROUNDINGS.replace(Some((Arc::clone(judged.world), judged.as_of.clone(), judged.resource)));
                engine.clear_data();
                let result = engine.add_data(data).and_then(|()| {
                    engine.set_input(document);
                    engine.eval_rule(policy.entry.clone())
                });
                drop(SURROUNDINGS.take());
                result.map_err(|error| {
                    let message = RegoError::from_text(&error.to_string()).message;
                    let is_exhausted = message.contains("limit");
                    EvaluationError { message, is_exhausted }
                })
            }
        }
    }
}

/// What stopped the machine, in words.
fn failure(error: &VmError) -> EvaluationError {
    let exhausted = |message: String| EvaluationError { message, is_exhausted: true };
    match error {
        VmError::InstructionLimitExceeded { limit, .. } => {
            exhausted(format!("was stopped after {limit} steps"))
        }
        VmError::MemoryBudgetExceeded { budget, .. } => {
            exhausted(format!("was stopped at {} MB of memory", budget >> 20))
        }
        VmError::MemoryLimitExceeded { .. } | VmError::TimeLimitExceeded { .. } => {
            exhausted(error.to_string())
        }
        other => {
            let text = other.to_string();
            let message = RegoError::from_text(&text).message;
            let message = message.split(" (pc=").next().unwrap_or(&message);
            EvaluationError::new(message)
        }
    }
}

impl Policy {
    /// What the policy denies of a document, in a fixed order.
    ///
    /// # Errors
    /// An evaluation that errs, or that needs more than it may have. One that panics unwinds; its machine is not
    /// used again.
    pub fn evaluate(&self, judged: &Judged<'_>) -> Result<Vec<Denial>, EvaluationError> {
        if let Some(program) = &self.program {
            let watched = Watched::begin(self.number);
            let denied = direct::deny(program, self, judged);
            drop(watched);
            if let Some(denied) = denied {
                return denials(&denied, judged.root);
            }
        }
        self.evaluate_by_machine(judged)
    }

    /// The same by the engine that the policy runs on, whether or not less would do.
    ///
    /// # Errors
    /// As for [`Policy::evaluate`].
    pub fn evaluate_by_machine(&self, judged: &Judged<'_>) -> Result<Vec<Denial>, EvaluationError> {
        // Taken out while it runs: a machine that panicked or failed does not come back.
        let taken = MACHINES.with_borrow_mut(|machines| machines.remove(&self.number));
        let mut machine = match taken {
            Some(machine) => machine,
            None => Machine::new(self)?,
        };
        let watched = Watched::begin(self.number);
        let result = machine.run(self, judged)?;
        drop(watched);
        MACHINES.with_borrow_mut(|machines| {
            if machines.len() >= KEPT {
                machines.clear();
            }
            machines.insert(self.number, machine);
        });
        denials(&result, judged.root)
    }

    /// The same by the interpreter, whatever the policy runs on: two readers of one text should agree.
    ///
    /// # Errors
    /// As for [`Policy::evaluate`].
    pub fn evaluate_slowly(&self, judged: &Judged<'_>) -> Result<Vec<Denial>, EvaluationError> {
        let engine = interpreter(self).map_err(|error| EvaluationError::new(error.message))?;
        let mut machine = Machine::new(self)?;
        machine.running = Running::Interpreter(Box::new(engine));
        denials(&machine.run(self, judged)?, judged.root)
    }

    /// The lines of the text that an evaluation executes, and those that it does not.
    ///
    /// # Errors
    /// As for [`Policy::evaluate`].
    pub fn cover(&self, judged: &Judged<'_>, coverage: &mut Coverage) -> Result<(), EvaluationError> {
        let mut engine = interpreter(self).map_err(|error| EvaluationError::new(error.message))?;
        engine.set_enable_coverage(true);
        let mut machine = Machine::new(self)?;
        machine.running = Running::Interpreter(Box::new(engine));
        drop(machine.run(self, judged)?);
        let Running::Interpreter(engine) = &machine.running else { return Ok(()) };
        let report = engine.get_coverage_report();
        let report = report.map_err(|error| EvaluationError::new(error.to_string()))?;
        for file in report.files.iter().filter(|file| file.path == "rule") {
            let line = |line: &u32| line.checked_sub(self.added_lines).filter(|line| *line > 0);
            for line in file.not_covered.iter().filter_map(line) {
                coverage.entry(line).or_default();
            }
            for line in file.covered.iter().filter_map(line) {
                *coverage.entry(line).or_default() += 1;
            }
        }
        Ok(())
    }
}

fn denials(result: &Value, root: NodeRef<'_>) -> Result<Vec<Denial>, EvaluationError> {
    match result {
        Value::Set(set) => set.iter_sorted().map(|element| denial(element, root)).collect(),
        Value::Undefined => Ok(Vec::new()),
        other => Err(EvaluationError::new(format!("`deny` is {}, should be a set", function::brief(other)))),
    }
}

fn denial(element: &Value, root: NodeRef<'_>) -> Result<Denial, EvaluationError> {
    let object = match element {
        Value::String(message) => {
            return Ok(Denial { message: Some(message.to_string()), path: None, key: None });
        }
        Value::Object(object) => object,
        other => {
            let message = format!(
                "`deny` holds {}, should hold mappings with `msg` and `path`",
                function::brief(other)
            );
            return Err(EvaluationError::new(message));
        }
    };
    let mut denial = Denial { message: None, path: None, key: None };
    for (name, value) in object.iter_sorted() {
        match (name.as_string().map_or("", |name| name), value) {
            ("msg" | "message", Value::String(message)) => denial.message = Some(message.to_string()),
            ("key", Value::String(key)) => denial.key = Some(key.to_string()),
            ("path", value) => denial.path = Some(path(value, root)?),
            (name, value) => {
                let message = format!("`deny` holds {name:?}: {}", function::brief(value));
                let help = "there are `msg` (text), `path` (a list, or a JSON Pointer) and `key` (text)";
                return Err(EvaluationError::new(format!("{message}; {help}")));
            }
        }
    }
    Ok(denial)
}

fn path(value: &Value, root: NodeRef<'_>) -> Result<Path, EvaluationError> {
    let wrong = || {
        EvaluationError::new(format!(
            "`path` is {}, should be a list of keys, or a JSON Pointer",
            function::brief(value)
        ))
    };
    match value {
        Value::String(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
            let mut path = Path::default();
            path.extend_by_pointer(root, pointer);
            Ok(path)
        }
        Value::Array(list) => {
            let mut path = Path::default();
            for step in list.iter() {
                let node = path.resolve(root);
                let step = match step {
                    Value::String(key) => match key.parse() {
                        Ok(position) if node.is_some_and(|node| node.kind() == Kind::List) => {
                            Step::Position(position)
                        }
                        _ => Step::Key((&**key).into()),
                    },
                    Value::Number(number) => {
                        let position = number.as_u64().and_then(|number| usize::try_from(number).ok());
                        Step::Position(position.ok_or_else(wrong)?)
                    }
                    _ => return Err(wrong()),
                };
                path.0.push(step);
            }
            Ok(path)
        }
        _ => Err(wrong()),
    }
}
