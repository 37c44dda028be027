//! What every bench beside rivals needs: measuring in rounds, counting allocations, and one table with ours, each
//! rival, the floor, and whether what we aim at is reached.

pub mod heap;
mod measure;
mod table;

pub use measure::{
    Contended, Contender, Sample, contended, contended_prepared, contender, interleaved, measure, median,
    on_cpu, on_two_threads, prepared, ratio, side_by_side, side_by_side_on_two_threads,
};
pub use table::{Aim, Row, Table};
