//! What the examples share, which is how they end; and the pages of the tutorial in `docs/`, so that
//! their programs are compiled and run as tests.

pub mod exit;

#[doc = include_str!("../docs/tutorial/first-call.md")]
pub mod first_call {}

#[doc = include_str!("../docs/tutorial/streams.md")]
pub mod streams {}

#[doc = include_str!("../docs/tutorial/tools.md")]
pub mod tools {}

#[doc = include_str!("../docs/tutorial/failures.md")]
pub mod failures {}

#[doc = include_str!("../docs/tutorial/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/tutorial/deploying.md")]
pub mod deploying {}

#[doc = include_str!("../docs/tutorial/moving.md")]
pub mod moving {}
