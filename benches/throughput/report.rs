//! The figures as a table in Markdown, ready for the README.

use std::fmt;
use std::fs;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    Below(f64),
}

/// Figures, in the order in which they were measured.
#[derive(Debug)]
pub struct Report(Vec<(String, Option<Goal>, f64)>);

impl Report {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Something measured that has no goal.
    pub fn fact(&mut self, what: &str, value: f64) {
        self.add(what, None, value);
    }

    /// Something per CPU-second.
    pub fn rate(&mut self, what: &str, value: f64, at_least: f64) {
        self.add(&format!("{what}, /CPU-s"), Some(Goal::AtLeast(at_least)), value);
    }

    /// Something with a limit.
    pub fn limit(&mut self, what: &str, value: f64, goal: Goal) {
        self.add(what, Some(goal), value);
    }

    fn add(&mut self, what: &str, goal: Option<Goal>, value: f64) {
        // To the terminal at once: the whole takes a minute.
        println!("{what}: {}", figure(value));
        self.0.push((what.to_owned(), goal, value));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", processor())?;
        writeln!(f, "| | goal | measured | |\n|---|---|---|---|")?;
        for (what, goal, value) in &self.0 {
            let (wanted, met) = match goal {
                Some(Goal::AtLeast(least)) => (format!("at least {}", figure(*least)), value >= least),
                Some(Goal::Below(most)) => (format!("below {}", figure(*most)), value < most),
                None => (String::new(), true),
            };
            let verdict = if met { "" } else { "missed" };
            writeln!(f, "| {what} | {wanted} | {} | {verdict} |", figure(*value))?;
        }
        Ok(())
    }
}

fn figure(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}
