//! The planner line by line; `model` has a target that carries plans out, `properties` what holds for all of them.

mod conflicts;
mod ladder;
mod model;
mod own;
mod properties;
mod values;
