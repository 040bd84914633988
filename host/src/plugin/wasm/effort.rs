//! What compiling a component would take, added up from its bytes before it is begun.
//!
//! A file of some kilobytes can keep a compiler busy for hours and fill the machine's memory: instances inside instances
//! multiply, each loop passes on every variable that is touched inside it, a call of two bytes can have a thousand
//! results. A compiler cannot be interrupted, so that what would be too much is not given to it. The effort of an
//! instruction is 1. Measured: CPython comes to 5.2 million in all, its largest function to 170,000; StarlingMonkey to 7.4
//! million and 145,000; a Rust plugin to some ten thousand.

use wasmparser::{
    BlockType, ComponentInstance, ComponentTypeRef, Encoding, FunctionBody, Operator, Parser, Payload,
    TypeRef,
};

use super::LoadError;

/// Instances of modules and components that a component may come to when all that is nested is written out.
const MAX_INSTANCES: u64 = 10_000;

/// Effort of one function. Compiling it takes some seconds, and some hundred MiB.
const MAX_FUNCTION: u64 = 1_000_000;

/// Effort of everything together; a minute or two.
const MAX_TOTAL: u64 = 40_000_000;

/// Components inside components. Toolchains nest one or two; checking takes 60 KB of memory for each.
const MAX_DEPTH: usize = 16;

/// What a byte of the types of a component's functions costs, and what making one of its functions does.
const FOR_EACH_BYTE_OF_TYPES: u64 = 10;
const FOR_EACH_LIFTED: u64 = 500;

/// What a function and a type cost whatever is in them: the compiler makes code for calling them from outside.
const FOR_EACH_FUNCTION: u64 = 50;
const FOR_EACH_TYPE: u64 = 500;

/// Refuses what would be too much.
pub(super) fn check(component: &[u8]) -> Result<(), LoadError> {
    let mut survey = Survey::default();
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|error| LoadError::Invalid(error.to_string()))?;
        survey.see(payload)?;
    }
    Ok(())
}

#[derive(Default)]
struct Survey {
    /// From the outermost component to what is being read.
    open: Vec<Part>,
    /// Instances of the largest component that has been read to its end: one of those that can be instantiated.
    largest: u64,
    effort: u64,
}

/// A component or a module.
#[derive(Default)]
struct Part {
    is_component: bool,
    instances: u64,
    /// Parameters and results of each type.
    types: Vec<u64>,
    /// The type of each function.
    functions: Vec<u32>,
    imported: usize,
    bodies: usize,
}

impl Survey {
    fn see(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        let broken = |error: wasmparser::BinaryReaderError| LoadError::Invalid(error.to_string());
        if let Payload::Version { encoding, .. } = payload {
            if self.open.len() >= MAX_DEPTH {
                return Err(too_much(&format!("nests components more than {MAX_DEPTH} deep")));
            }
            self.open.push(Part { is_component: encoding == Encoding::Component, ..Part::default() });
            return Ok(());
        }
        let Some(part) = self.open.last_mut() else { return Ok(()) };
        match payload {
            Payload::End(_) => {
                if part.is_component {
                    self.largest = self.largest.max(part.instances);
                }
                self.open.pop();
            }
            Payload::InstanceSection(section) => part.instantiate(u64::from(section.count()))?,
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let inside = match instance.map_err(broken)? {
                        ComponentInstance::Instantiate { .. } => self.largest,
                        ComponentInstance::FromExports(_) => 0,
                    };
                    part.instantiate(inside.saturating_add(1))?;
                }
            }
            Payload::ComponentTypeSection(section) => {
                self.effort += section.range().len() as u64 * FOR_EACH_BYTE_OF_TYPES;
            }
            Payload::ComponentCanonicalSection(section) => {
                self.effort += u64::from(section.count()) * FOR_EACH_LIFTED;
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    if let ComponentTypeRef::Component(_) = import.map_err(broken)?.ty {
                        return Err(too_much("takes a component as a parameter"));
                    }
                }
            }
            Payload::TypeSection(section) => {
                for types in section {
                    for kind in types.map_err(broken)?.types() {
                        let arity = match &kind.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(function) => {
                                function.params().len() + function.results().len()
                            }
                            _ => 0,
                        };
                        part.types.push(arity as u64);
                        self.effort += FOR_EACH_TYPE + arity as u64 * 10;
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(kind) = import.map_err(broken)?.ty {
                        part.functions.push(kind);
                        part.imported += 1;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for kind in section {
                    part.functions.push(kind.map_err(broken)?);
                    self.effort += FOR_EACH_FUNCTION;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let number = part.imported + part.bodies;
                part.bodies += 1;
                let effort = Walk::through(part, &body).map_err(broken)?;
                if effort > MAX_FUNCTION {
                    return Err(too_much(&format!("has a function, number {number}, of effort {effort}")));
                }
                self.effort += effort;
            }
            _ => {}
        }
        match self.effort > MAX_TOTAL {
            true => Err(too_much(&format!("has more code and types than an effort of {MAX_TOTAL} is for"))),
            false => Ok(()),
        }
    }
}

impl Part {
    fn instantiate(&mut self, instances: u64) -> Result<(), LoadError> {
        self.instances = self.instances.saturating_add(instances);
        match self.instances > MAX_INSTANCES {
            true => Err(too_much(&format!("comes to more than {MAX_INSTANCES} instances"))),
            false => Ok(()),
        }
    }

    /// Parameters and results of a type.
    fn arity(&self, kind: u32) -> u64 {
        self.types.get(kind as usize).copied().unwrap_or(0)
    }

    fn block(&self, kind: BlockType) -> u64 {
        match kind {
            BlockType::Empty => 0,
            BlockType::Type(_) => 1,
            BlockType::FuncType(kind) => self.arity(kind),
        }
    }
}

fn too_much(what: &str) -> LoadError {
    LoadError::Limit(format!("is too much for the compiler: it {what}"))
}

/// A function's instructions, one after the other.
struct Walk<'p> {
    part: &'p Part,
    locals: u64,
    /// How often a local has been read or written.
    touched: u64,
    open: Vec<Block>,
    loops: u64,
    effort: u64,
}

struct Block {
    is_loop: bool,
    /// Whether the code after it is reached in more ways than one.
    joins: bool,
    arity: u64,
    touched_before: u64,
}

impl<'p> Walk<'p> {
    fn through(part: &'p Part, body: &FunctionBody<'_>) -> wasmparser::Result<u64> {
        let mut locals = 0_u64;
        for local in body.get_locals_reader()? {
            locals = locals.saturating_add(u64::from(local?.0));
        }
        let kind = part.functions.get(part.imported + part.bodies - 1).copied().unwrap_or(0);
        locals = locals.saturating_add(part.arity(kind));
        let mut walk = Walk { part, locals, touched: 0, open: Vec::new(), loops: 0, effort: locals };
        for operator in body.get_operators_reader()? {
            walk.step(&operator?)?;
            if walk.effort > MAX_FUNCTION {
                break;
            }
        }
        Ok(walk.effort)
    }

    fn step(&mut self, operator: &Operator<'_>) -> wasmparser::Result<()> {
        self.effort += 1;
        match operator {
            Operator::LocalGet { .. } | Operator::LocalSet { .. } | Operator::LocalTee { .. } => {
                self.touched += 1
            }
            Operator::Block { blockty } => self.begin(*blockty, false, false),
            Operator::If { blockty } => self.begin(*blockty, false, true),
            Operator::Loop { blockty } => {
                // The compiler looks for a variable's value from loop to loop.
                self.effort += self.loops;
                self.begin(*blockty, true, true);
                self.loops += 1;
            }
            Operator::End => self.end(),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth)
            }
            Operator::BrTable { targets } => {
                for target in targets.targets() {
                    self.effort += 1;
                    self.branch(target?);
                }
                self.branch(targets.default());
            }
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                let kind = self.part.functions.get(*function_index as usize).copied().unwrap_or(0);
                self.effort += self.part.arity(kind);
            }
            Operator::CallIndirect { type_index, .. } | Operator::ReturnCallIndirect { type_index, .. } => {
                self.effort += self.part.arity(*type_index);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: BlockType, is_loop: bool, joins: bool) {
        let arity = self.part.block(kind);
        self.effort += arity;
        self.open.push(Block { is_loop, joins, arity, touched_before: self.touched });
    }

    /// Where several ways meet, each variable that was touched on one of them may have several values.
    fn end(&mut self) {
        let Some(block) = self.open.pop() else { return };
        self.loops -= u64::from(block.is_loop);
        if block.joins {
            self.effort += (self.touched - block.touched_before).min(self.locals);
        }
    }

    fn branch(&mut self, depth: u32) {
        let at = self.open.len().checked_sub(depth as usize + 1);
        if let Some(block) = at.and_then(|at| self.open.get_mut(at)) {
            block.joins = true;
            self.effort += block.arity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The effort of a function with this body, or that it is too much.
    fn effort(locals: u32, steps: &[u8]) -> u64 {
        // One type without parameters, one function, its code.
        let mut body = vec![
            1,
            0x80 | (locals & 0x7f) as u8,
            0x80 | (locals >> 7 & 0x7f) as u8,
            (locals >> 14) as u8,
            0x7f,
        ];
        body.extend(steps);
        body.push(0x0b);
        let part = Part { types: vec![0, 2000], functions: vec![0, 1], bodies: 1, ..Part::default() };
        let body = FunctionBody::new(wasmparser::BinaryReader::new(&body, 0));
        Walk::through(&part, &body).expect("a function")
    }

    #[test]
    fn what_multiplies_is_counted() {
        // i32.const 0, drop
        assert_eq!(effort(0, &[0x41, 0, 0x1a]), 3);
        assert_eq!(effort(10_000, &[]), 10_001);
        // call 1, which has 2000 parameters and results
        assert_eq!(effort(0, &[0x10, 1]), 2002);
        // Loops in loops: each looks at those around it.
        let nested = |depth: usize| [[0x03, 0x40].repeat(depth), [0x0b].repeat(depth)].concat();
        assert_eq!(effort(0, &nested(3)), 7 + (1 + 2));
        assert!(effort(0, &nested(2000)) > MAX_FUNCTION);
        // A variable that is read in the innermost of three loops is passed on by each.
        let read = [[0x03, 0x40].repeat(3), vec![0x20, 0, 0x1a], [0x0b].repeat(3)].concat();
        assert_eq!(effort(1, &read), 1 + 9 + 3 + 3);
    }

    #[test]
    fn instances_multiply() {
        // A core instance of a module, and so many component instances of each component inside the next.
        let nested = |depth: usize, times: u32| {
            let mut inner = component(&[(2, vec![1, 0, 0, 0])]);
            for _ in 0..depth {
                let mut instances = vec![times as u8];
                (0..times).for_each(|_| instances.extend([0, 0, 0]));
                inner = component(&[(4, inner), (5, instances)]);
            }
            inner
        };
        assert_eq!(check(&nested(3, 2)), Ok(()));
        let refused = |component: &[u8], part: &str| {
            let error = check(component).expect_err("too much").to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(&nested(14, 2), "more than 10000 instances");
        refused(&nested(16, 1), "more than 16 deep");
    }

    fn component(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        for (id, content) in sections {
            let length = content.len();
            component.extend([*id, 0x80 | (length & 0x7f) as u8, (length >> 7) as u8]);
            component.extend(content);
        }
        component
    }
}
