//! What every bench beside rivals needs: measuring in rounds, counting allocations, and one table with ours, each
//! rival, the floor, and whether what we aim at is reached.

pub mod heap;
mod measure;
mod table;

pub use measure::{Sample, interleaved, measure, median, on_cpu, on_two_threads, ratio};
pub use table::{Aim, Row, Table};
