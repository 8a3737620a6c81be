//! Carries out operations on the works that are open.

use crate::checks;
use crate::failure::{Failure, NO_WORK, OPERATION, TOO_MANY};
use crate::operation::Operation;
use crate::wire::{Reader, Writer};
use crate::work::Work;
use std::collections::BTreeMap;

/// Most works that are open at once.
pub const MAX_OPEN_WORKS: usize = 16;

/// All open works.
#[derive(Debug, Default)]
pub struct Verifier {
    works: BTreeMap<u32, Work>,
    last: u32,
}

impl Verifier {
    /// The reply to a request.
    pub fn call(&mut self, operation: u32, request: &[u8]) -> Vec<u8> {
        let mut reply = Writer::default();
        let outcome = match Operation::of(operation) {
            Some(operation) => self.carry_out(operation, request, reply.u8(0)),
            None => Err(Failure::new(
                OPERATION,
                format_args!("operation {operation} is unknown; load the module of this version"),
            )),
        };
        match outcome {
            Ok(()) => reply.into_bytes(),
            Err(failure) => [&[1], failure.text().as_bytes()].concat(),
        }
    }

    fn carry_out(&mut self, operation: Operation, request: &[u8], reply: &mut Writer) -> Result<(), Failure> {
        let mut request = Reader::new(request);
        match operation {
            Operation::Open => return self.open(request, reply),
            Operation::Commitment => return checks::commitment(request, reply),
            Operation::Judge => return checks::judge(request, reply),
            _ => {}
        }
        let handle = request.u32()?;
        if operation == Operation::Close {
            request.finish()?;
            return self.works.remove(&handle).map(drop).ok_or_else(|| no_work(handle));
        }
        let work = self.works.get_mut(&handle).ok_or_else(|| no_work(handle))?;
        work.carry_out(operation, request, reply)
    }

    fn open(&mut self, request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
        if self.works.len() >= MAX_OPEN_WORKS {
            let text = format_args!("{MAX_OPEN_WORKS} works are open; close one");
            return Err(Failure::new(TOO_MANY, text));
        }
        let work = Work::open(request)?;
        self.last = self.last.wrapping_add(1);
        reply.u32(self.last);
        work.describe(reply);
        self.works.insert(self.last, work);
        Ok(())
    }
}

fn no_work(handle: u32) -> Failure {
    Failure::new(NO_WORK, format_args!("no work {handle} is open; open it first"))
}
