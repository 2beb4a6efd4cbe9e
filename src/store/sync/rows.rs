//! What synchronisation keeps and what may be written to it. All rows are of one target, which is named with the call.
//! Times are milliseconds since 1970 (UTC).

/// What an object is called: its kind, and its id at the source.
pub type KeyRow = (String, String);

/// An object of the source and its counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Kind and id at the source.
    pub key: KeyRow,
    /// The target's own id.
    pub target_id: String,
    /// Its DN when it was last carried.
    pub dn: String,
    /// The DN in a form that can be compared; empty in rows of versions that did not keep it.
    pub name: String,
    /// A word.
    pub state: String,
    /// Since when, where the word asks for it; else 0.
    pub since_ms: i64,
    /// What was last carried, in a form that the store does not read.
    pub sums: String,
}

/// A part of what is in an object: many members are many parts, so that one more does not rewrite them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Kind and id of what they are in.
    pub key: KeyRow,
    /// Where in it.
    pub path: String,
    /// Which part.
    pub shard: i64,
    /// Who, in a form that the store does not read. Written empty, the part is deleted.
    pub members: String,
}

/// How far a source was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorRow {
    /// The source.
    pub source: String,
    /// The kind of question.
    pub query: String,
    /// The server that was asked.
    pub server: String,
    /// How far.
    pub value: String,
}

/// What an entry of the source meant for others when it was last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureRow {
    /// Its id at the source.
    pub source_id: String,
    /// What, in a form that the store does not read.
    pub body: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its number; those of a target go up.
    pub run: i64,
    /// A word.
    pub mode: String,
    /// When it began.
    pub started_ms: i64,
    /// When it ended; 0 before.
    pub ended_ms: i64,
    /// Numbers, in a form that the store does not read.
    pub counts: String,
    /// A word; empty before it ended.
    pub result: String,
    /// Why, in a form that the store does not read.
    pub causes: String,
}

/// Something to do at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// The run that planned it.
    pub run: i64,
    /// Its place there.
    pub seq: i64,
    /// The object that it is for.
    pub key: KeyRow,
    /// Its turn among those of all runs; within a turn they go by run and place.
    pub phase: i64,
    /// What, in a form that the store does not read.
    pub body: String,
    /// How far it is.
    pub mark: Mark,
}

/// How far an operation is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// A word: `waiting`, `sent`, `done`, `failed`, `held` or `dropped`.
    pub state: String,
    /// How often it was sent since it was last put off.
    pub attempts: i64,
    /// How often it was put off.
    pub rounds: i64,
    /// Not before.
    pub next_try_ms: i64,
    /// The code of the last fault; 0 where there was none.
    pub error_code: i64,
    /// What the target said.
    pub error: String,
    /// When this was so.
    pub at_ms: i64,
}

/// Who may write: the writes are made only while the target is leased to this holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The holder of the lease.
    pub holder: String,
}

/// Some changes of what is kept of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncWrite {
    /// Links are new, or as these are now.
    PutLinks(Vec<LinkRow>),
    /// Links go, with their members.
    DropLinks(Vec<KeyRow>),
    /// Parts of members are as these are now.
    PutMembers(Vec<MemberRow>),
    /// A source was read so far.
    PutCursors(Vec<CursorRow>),
    /// Entries of the structure are as these are now.
    PutStructure(Vec<StructureRow>),
    /// A run is new, or as it is now.
    PutRun(RunRow),
    /// Operations are new.
    AddOperations(Vec<OperationRow>),
    /// Operations of a run are in a state: nothing else of them is new.
    MarkAll {
        /// The run.
        run: i64,
        /// Which operations.
        seqs: Vec<i64>,
        /// In which state.
        state: &'static str,
        /// Since when.
        at_ms: i64,
    },
    /// An operation is as far as this.
    MarkOne {
        /// The run.
        run: i64,
        /// Which operation.
        seq: i64,
        /// How far.
        mark: Mark,
    },
    /// Operations of all runs are in another state.
    Turn {
        /// Of which run; of all where it is none.
        run: Option<i64>,
        /// Those in this state.
        from: &'static str,
        /// Are in this one.
        to: &'static str,
        /// Since when.
        at_ms: i64,
    },
}
