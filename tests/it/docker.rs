//! A plane on Docker: against a double of the engine, and against the kit's real one.

mod faults;
mod interrupted;
mod life;
mod real;
mod world;
