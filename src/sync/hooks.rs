//! [`Hooks`]: an administrator's own programs before and after each operation.
//!
//! A hook is a program with its arguments, started without a shell and without our environment; it reads one JSON object
//! from its standard input and has a time to end in. A hook before an operation that ends with anything but 0, or not in
//! time, keeps the operation from being carried out; one after it cannot take it back and is logged.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::operation::Operation;

/// How much of what a hook says is kept.
const KEPT: u64 = 4096;

/// The programs of one target.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Run before an operation; each must agree.
    pub before: Vec<Hook>,
    /// Run after one.
    pub after: Vec<Hook>,
}

/// One program.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its file, whole from `/` on.
    pub program: PathBuf,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub patience: Duration,
}

/// A hook did not agree, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It cannot be started.
    #[error("the hook {program} cannot be started: {cause}")]
    Start {
        /// Its file.
        program: String,
        /// What the system says.
        cause: String,
    },
    /// It took too long and was ended.
    #[error("the hook {program} exceeded its time, {patience:?} (hook_timeout), and was ended")]
    Late {
        /// Its file.
        program: String,
        /// How long it had.
        patience: Duration,
    },
    /// It said no.
    #[error("the hook {program} refused ({status}): {said}")]
    Refused {
        /// Its file.
        program: String,
        /// Its exit status.
        status: String,
        /// The beginning of what it wrote to standard error.
        said: String,
    },
}

impl Hooks {
    /// Asks all that stand before an operation.
    pub async fn before(&self, target: &str, operation: &Operation) -> Result<(), HookError> {
        for hook in &self.before {
            hook.run(&told("before", target, operation, None)).await?;
        }
        Ok(())
    }

    /// Tells all that stand after it; `code`: 0, or that of the failure. The first that fails is returned when all were
    /// told.
    pub async fn after(&self, target: &str, operation: &Operation, code: u16) -> Result<(), HookError> {
        let mut first = Ok(());
        for hook in &self.after {
            let ended = hook.run(&told("after", target, operation, Some(code))).await;
            first = first.and(ended);
        }
        first
    }
}

/// What a hook reads.
fn told(when: &str, target: &str, operation: &Operation, code: Option<u16>) -> Value {
    json!({
        "when": when,
        "target": target,
        "action": operation.action,
        "object": operation.key.kind.key(),
        "id": operation.key.id,
        "dn": operation.dn,
        "target_id": operation.target_id,
        "changes": operation.changes,
        "result": code,
    })
}

impl Hook {
    async fn run(&self, told: &Value) -> Result<(), HookError> {
        let program = || self.program.display().to_string();
        let start = |cause: std::io::Error| HookError::Start { program: program(), cause: cause.to_string() };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(start)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let talking = async {
            // A hook that does not read what it is told has a right to that.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(told.to_string().as_bytes()).await;
            }
            let mut said = Vec::new();
            if let Some(stderr) = stderr {
                let mut kept = stderr.take(KEPT);
                let _ = kept.read_to_end(&mut said).await;
                // The rest is read and forgotten, so that the hook does not wait for us.
                let _ = tokio::io::copy(&mut kept.into_inner(), &mut tokio::io::sink()).await;
            }
            (child.wait().await, said)
        };
        let Ok((status, said)) = timeout(self.patience, talking).await else {
            return Err(HookError::Late { program: program(), patience: self.patience });
        };
        let status = status.map_err(start)?;
        if status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said);
        let said = said.lines().next().unwrap_or("nothing").trim().to_owned();
        Err(HookError::Refused { program: program(), status: status.to_string(), said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Action, Afterwards, Change, ObjectKey, ObjectType};

    fn operation() -> Operation {
        Operation {
            action: Action::Create,
            key: ObjectKey::new(ObjectType::User, "1"),
            dn: "uid=$(touch x)".to_owned(),
            target_id: None,
            changes: vec![Change::Set { path: "userName".to_owned(), value: json!("a; b") }],
            match_by: vec![],
            afterwards: Afterwards::default(),
        }
    }

    fn shell(script: &str) -> Hook {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Hook { program: "/bin/sh".into(), arguments, patience: Duration::from_secs(20) }
    }

    #[tokio::test]
    async fn a_hook_reads_the_operation_and_nothing_is_expanded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let hooks = Hooks { before: vec![shell(&format!("cat > {}", file.display()))], after: vec![] };
        hooks.before("idp", &operation()).await.unwrap();
        let told: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let change = json!({ "set": { "path": "userName", "value": "a; b" } });
        assert_eq!(
            told,
            json!({
                "when": "before", "target": "idp", "action": "create", "object": "user", "id": "1",
                "dn": "uid=$(touch x)", "target_id": null, "changes": [change], "result": null,
            })
        );
    }

    #[tokio::test]
    async fn a_hook_that_says_no_is_heard_and_the_next_is_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let no = shell("head -c 100000 /dev/zero >&2; exit 3");
        let hooks = Hooks {
            before: vec![shell("echo not today >&2; exit 3"), shell(&format!("touch {}", file.display()))],
            after: vec![no, shell(&format!("cat > {}", file.display()))],
        };
        let error = hooks.before("idp", &operation()).await.unwrap_err();
        assert_eq!(error.to_string(), "the hook /bin/sh refused (exit status: 3): not today");
        assert!(!file.exists());
        assert!(hooks.after("idp", &operation(), 19).await.is_err());
        let told: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((&told["when"], &told["result"]), (&json!("after"), &json!(19)), "told all the same");
    }

    #[tokio::test]
    async fn a_hook_that_does_not_end_is_ended() {
        let late = Hook { patience: Duration::from_millis(50), ..shell("exec sleep 600") };
        let error =
            Hooks { before: vec![late], after: vec![] }.before("idp", &operation()).await.unwrap_err();
        assert!(matches!(error, HookError::Late { .. }), "{error}");
        let missing = Hook { program: "/nonexistent/hook".into(), ..shell("") };
        let error =
            Hooks { before: vec![missing], after: vec![] }.before("idp", &operation()).await.unwrap_err();
        assert!(matches!(error, HookError::Start { .. }), "{error}");
    }
}
