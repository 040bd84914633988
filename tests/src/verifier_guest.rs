//! Guests that verify requests, made on the spot, mostly bad ones. See [`Guest`](crate::Guest) for those of routes.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, Instruction, MemArg, MemorySection, MemoryType, Module, TypeSection,
    ValType,
};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::yard::repository;

/// Where the outcome is written.
const OUTCOME: i32 = 16;
/// Where the host writes what [`VerifierGuest::leak`] asks for: whether there is a value, its place and its length.
const SECRET: i32 = 64;
const DATA: i32 = 1024;
/// What the guest's allocator hands out, the same each time.
const HEAP: i32 = 64 * 1024;

const LOG: u32 = 0;
const GET: u32 = 1;

/// How a guest gives away the secret that it has read.
#[derive(Clone, Copy, Debug)]
pub enum Leak {
    /// As the reason of a rejection, and as a line of the log.
    Reason,
    /// As the answer to a challenge, and as a line of the log.
    Answer,
    /// As the type of a genuine event, and as a line of the log.
    Kind,
}

/// A guest in the making.
#[derive(Clone, Default)]
pub struct VerifierGuest {
    data: Vec<u8>,
    steps: Vec<Instruction<'static>>,
}

impl VerifierGuest {
    /// Says that every request is genuine, of this type and with this id.
    pub fn genuine(kind: &str, delivery_id: &str) -> Vec<u8> {
        let mut guest = VerifierGuest::default();
        let (kind, id) = (guest.text(kind), guest.text(delivery_id));
        guest.store([(0, 0), (4, 1), (8, kind.0), (12, kind.1), (16, 1), (20, id.0), (24, id.1)]).module()
    }

    /// Answers every request with this.
    pub fn challenge(status: i32, body: &str) -> Vec<u8> {
        let mut guest = VerifierGuest::default();
        let body = guest.text(body);
        guest.store([(0, 1), (4, status), (8, 0), (12, 0), (16, body.0), (20, body.1)]).module()
    }

    /// Rejects every request for this reason.
    pub fn rejected(reason: &str) -> Vec<u8> {
        let mut guest = VerifierGuest::default();
        let reason = guest.text(reason);
        guest.store([(0, 2), (4, reason.0), (8, reason.1)]).module()
    }

    /// Runs for ever.
    pub fn spin() -> Vec<u8> {
        let steps = vec![Instruction::Loop(BlockType::Empty), Instruction::Br(0), Instruction::End];
        VerifierGuest { steps, ..Self::default() }.module()
    }

    /// Executes `unreachable`.
    pub fn trap() -> Vec<u8> {
        VerifierGuest { steps: vec![Instruction::Unreachable], ..Self::default() }.module()
    }

    /// Reads the secret of this name and gives it away. Traps if there is none.
    pub fn leak(name: &str, leak: Leak) -> Vec<u8> {
        let mut guest = VerifierGuest::default();
        let name = guest.text(name);
        let found = |offset| [Instruction::I32Const(SECRET), Instruction::I32Load(place(offset))];
        guest.steps.extend([name.0, name.1, SECRET].map(Instruction::I32Const));
        guest.steps.push(Instruction::Call(GET));
        guest.steps.extend(found(0));
        guest.steps.extend([Instruction::I32Eqz, Instruction::If(BlockType::Empty)]);
        guest.steps.extend([Instruction::Unreachable, Instruction::End, Instruction::I32Const(1)]);
        guest.steps.extend(found(4).into_iter().chain(found(8)));
        guest.steps.push(Instruction::Call(LOG));
        let (mut guest, at) = match leak {
            Leak::Reason => (guest.store([(0, 2)]), 4),
            Leak::Answer => (guest.store([(0, 1), (4, 200), (8, 0), (12, 0)]), 16),
            Leak::Kind => (guest.store([(0, 0), (4, 1), (16, 0)]), 8),
        };
        for (offset, part) in [(at, 4), (at + 4, 8)] {
            guest.steps.push(Instruction::I32Const(OUTCOME));
            guest.steps.extend(found(part));
            guest.steps.push(Instruction::I32Store(place(offset)));
        }
        guest.module()
    }

    fn text(&mut self, text: &str) -> (i32, i32) {
        let at = DATA + self.data.len() as i32;
        self.data.extend_from_slice(text.as_bytes());
        (at, text.len() as i32)
    }

    /// Writes words of the outcome.
    fn store<const N: usize>(mut self, words: [(u64, i32); N]) -> Self {
        for (offset, word) in words {
            self.steps.extend([
                Instruction::I32Const(OUTCOME),
                Instruction::I32Const(word),
                Instruction::I32Store(place(offset)),
            ]);
        }
        self
    }

    fn module(self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32; 3], []);
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        let mut imports = ImportSection::new();
        imports.import("hookyard:plugin/logging@0.1.0", "log", EntityType::Function(0));
        imports.import("hookyard:plugin/secrets@0.1.0", "get", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(1).function(2);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 2,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("hookyard:plugin/verification@0.1.0#verify", ExportKind::Func, GET + 1);
        exports.export("cabi_realloc", ExportKind::Func, GET + 2);
        let mut code = CodeSection::new();
        for (steps, result) in [(self.steps, OUTCOME), (Vec::new(), HEAP)] {
            let mut function = Function::new([]);
            steps.iter().chain(&[Instruction::I32Const(result), Instruction::End]).for_each(|step| {
                function.instruction(step);
            });
            code.function(&function);
        }
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(DATA), self.data);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports);
        module.section(&code).section(&data);
        declare(module.finish())
    }
}

fn place(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 0 }
}

/// Adds what says which world the module is for.
fn declare(mut module: Vec<u8>) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (contract, _) = resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
    let world = resolve.select_world(&[contract], Some("verifier")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a section");
    module
}
