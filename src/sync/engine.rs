//! [`Synchronisation`]: one target with its sources, its state and all that can be asked of it: run, check, plan to a
//! file, apply a file, allow, pause, test. Commands and the schedule call nothing else.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;

use super::absent::absent;
use super::apply::journal::Journal;
use super::apply::{self, Application, Applied, Early, Standing, Sums};
use super::error::SyncError;
use super::gate::{Before, Gated, earlier, gate};
use super::held::held_still;
use super::link::Link;
use super::mapping::{Mapping, sum, sum_of_link};
use super::object::{ObjectKey, ObjectType};
use super::operation::Operation;
use super::options::SyncOptions;
use super::plan::{ImmutableChange, Note, PlanFile, StateHash, reference_sum};
use super::prepare::Prepared;
use super::queries::Queries;
use super::questions::Questions;
use super::reading::Part;
use super::report::{Report, Teller};
use super::scope::Scope;
use super::state::{Planned, State, WHY_WHOLE};
use super::structure::Conventions;
use super::target::{Ability, Target};
use super::vanished;
use crate::clock::{Clock, Ids, Timestamp};
use crate::directory::source::{Cursor, Source};
use crate::identity;

/// How much is synchronised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// What changed since the last time; everything where that cannot be said.
    Changes,
    /// Everything.
    Full {
        /// Also what a target has lost in a great number.
        refill: bool,
    },
    /// One person, by the login name.
    Person(String),
}

/// One step of the way of a person, for `sekisho sync explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `connect`, `import`, `scope`, `match`, `act`.
    pub name: &'static str,
    /// Whether the way goes on.
    pub good: bool,
    /// A sentence.
    pub told: String,
}

/// One target with all that belongs to it.
#[derive(Debug)]
pub struct Synchronisation {
    options: SyncOptions,
    sources: Vec<Arc<dyn Source>>,
    target: Arc<dyn Target>,
    state: State,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    node: String,
    questions: Questions,
    configuration: u64,
}

impl Synchronisation {
    /// Of its parts; `sources` in the order of `options.sources`. `node`: the machine and the process, for whoever is told
    /// that they are at it.
    pub fn new(
        options: SyncOptions,
        sources: Vec<Arc<dyn Source>>,
        target: Arc<dyn Target>,
        state: State,
        (clock, ids, node): (Arc<dyn Clock>, Arc<dyn Ids>, String),
    ) -> Self {
        let decides = format!(
            "{:?} {:?} {:?} {:?}",
            options.preset, options.scope, options.conventions, options.objects
        );
        let configuration = sum(&decides.into());
        let questions = Questions::new(options.pace.clone(), Arc::clone(&ids)).of(&options.name);
        Self { options, sources, target, state, clock, ids, node, questions, configuration }
    }

    /// As it is configured.
    pub fn options(&self) -> &SyncOptions {
        &self.options
    }

    pub(super) fn target(&self) -> &dyn Target {
        self.target.as_ref()
    }

    /// What the target is asked before anything is changed there.
    pub(super) fn questions(&self) -> &Questions {
        &self.questions
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is known of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Proves address and credentials, and says what the target has.
    pub async fn test(&self) -> Result<Ability, SyncError> {
        self.target.probe().await.map_err(|fault| SyncError::at(self.target(), fault))
    }

    /// Plans and writes nothing anywhere.
    pub async fn check(&self, extent: &Extent) -> Result<Report, SyncError> {
        let ability = self.test().await?;
        let mut prepared = self.prepare(&self.state, extent, &ability).await?;
        self.warn_of_absent(extent, &mut prepared).await?;
        self.checked(prepared).await
    }

    /// The same, with a plan that can be carried out later.
    pub async fn plan(&self, extent: &Extent) -> Result<(Report, PlanFile), SyncError> {
        let ability = self.test().await?;
        // Whatever changes while it is made, makes it stale.
        let made_from = self.fingerprint(&self.state).await?;
        let mut prepared = self.prepare(&self.state, extent, &ability).await?;
        self.warn_of_absent(extent, &mut prepared).await?;
        let mut file = PlanFile::new(&self.options.name, prepared.plan.clone(), made_from, self.now());
        file.vanished.clone_from(&prepared.vanished);
        file.read = vanished::sources(&prepared.structure);
        file.former.clone_from(&prepared.former);
        let report = self.checked(prepared).await?;
        file.told = report.told().cloned().collect();
        Ok((report, file))
    }

    /// Of a check: names of the conventions that no directory has.
    async fn warn_of_absent(&self, extent: &Extent, prepared: &mut Prepared) -> Result<(), SyncError> {
        if !matches!(extent, Extent::Person(_)) {
            let absent = absent(&self.options, &self.sources).await?;
            prepared.warnings.extend(absent.iter().map(ToString::to_string));
        }
        Ok(())
    }

    async fn checked(&self, mut prepared: Prepared) -> Result<Report, SyncError> {
        let away = vanished::away(&self.state, &prepared.vanished, &mut prepared.plan).await?;
        earlier::note(&self.state, &mut prepared).await?;
        let before = Before::of(&self.state, &mut prepared.plan).await?;
        let gated = gate(&mut prepared.plan, &self.options.gate, (&away, &before));
        let mut report = Report::planned(&self.options, &prepared);
        let holding = self.state.holding(&gated.held).await?;
        report.hold(&gated.causes, &self.to_allow(&holding));
        let still = held_still(&self.state, (&prepared, &gated)).await?;
        report.hold_before(still, &holding);
        report.count_planned(&gated);
        report.operations = gated.released;
        report.warn_of_waiting(self.state.waiting().await?);
        report.held = gated.held;
        Ok(report)
    }

    /// Carries out a plan that was reviewed, if nothing has changed since.
    pub async fn run_plan(
        &self,
        file: PlanFile,
        teller: &Teller<'_>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Report, SyncError> {
        let work = async |state: &State| {
            let (vanished, read, former) = (file.vanished.clone(), file.read.clone(), file.former.clone());
            let plan = file.take(&self.options.name, self.fingerprint(state).await?)?;
            let prepared = Prepared::of_file(plan, vanished, &read, former);
            self.carry_out(state, prepared, (None, Early::Nothing), (teller, cancel)).await
        };
        self.leased(work).await
    }

    /// Releases exactly what was held back in a run, and carries it out.
    pub async fn allow(
        &self,
        run: i64,
        teller: &Teller<'_>,
        cancel: watch::Receiver<bool>,
    ) -> Result<(usize, Report), SyncError> {
        let work = async |state: &State| {
            self.test().await?;
            let released = state.allow(run).await?;
            if released == 0 {
                return Err(SyncError::NothingHeld(run));
            }
            earlier::allow(state, run).await?;
            let applied = self.apply(state, (Some(run), Early::Nothing), teller, cancel).await?;
            let mut report = Report::resumed(&self.options.name, run, &applied);
            report.failing = state.failing().await?;
            report.hold_before(state.held().await?, &BTreeSet::new());
            state.end(run, report.result(), &report.counts_json(), &report.causes).await?;
            Ok((released, report))
        };
        self.leased(work).await
    }

    /// What nobody else may do at the same time.
    pub(super) async fn leased<T>(
        &self,
        work: impl AsyncFnOnce(&State) -> Result<T, SyncError>,
    ) -> Result<T, SyncError> {
        let lease = self.state.lease(&format!("{}:{}", self.node, self.ids.request_id())).await?;
        let ended = async {
            for run in lease.state().end_cut_off().await? {
                tracing::warn!(sync.target = self.options.name, "an earlier run, {run}, was cut off");
            }
            work(lease.state()).await
        };
        let ended = ended.await;
        lease.release().await;
        ended
    }

    pub(super) async fn carry_out(
        &self,
        state: &State,
        mut prepared: Prepared,
        (left, early): (Option<Applied>, Early),
        (teller, cancel): (&Teller<'_>, watch::Receiver<bool>),
    ) -> Result<Report, SyncError> {
        let away = vanished::away(state, &prepared.vanished, &mut prepared.plan).await?;
        earlier::note(state, &mut prepared).await?;
        let before = Before::of(state, &mut prepared.plan).await?;
        attach(&mut prepared.plan.operations, &prepared.plan.notes);
        let gated = gate(&mut prepared.plan, &self.options.gate, (&away, &before));
        let mut report = Report::planned(&self.options, &prepared);
        report.held.clone_from(&gated.held);
        let causes = gated.causes.clone();
        let kept = prepared.kept_beside();
        let doubts = prepared.plan.emptied().next().is_some();
        let Prepared { mode, mut cursors, mut structure, former, unasked, told, vanished, .. } = prepared;
        let is_unsure = !unasked.is_empty() || doubts;
        if is_unsure {
            // What could not be looked for, or is doubted, is read again by the next run.
            cursors.clear();
            structure = vanished::marks(vanished::sources(&structure).iter().map(String::as_str));
        }
        vanished::only_new_marks(state, &mut structure).await?;
        structure.extend(former);
        let complete = mode == "full";
        if complete {
            structure.extend(vanished::forgotten(state, &vanished).await?);
        }
        structure.extend(kept);
        if is_unsure && mode != "person" {
            let why = "the run before could not look for everybody, or doubted what it read";
            structure.insert(WHY_WHOLE.to_owned(), why.to_owned());
        }
        let mut planned = self.planned(state, (mode, complete), gated, cursors, structure).await?;
        planned.told = told;
        let begun = state.begin(planned).await?;
        report.run = Some(begun.run);
        let holding = state.holding(&report.held).await?;
        report.hold_before(state.held().await?, &holding);
        report.hold(&causes, &self.to_allow(&holding));
        let applied = self.apply(state, (None, early), teller, cancel).await?.after(left);
        report.add(&applied);
        report.failing = state.failing().await?;
        let recreated = self.options.immutable_change == ImmutableChange::Recreate
            && applied.tally.values().any(|counts| counts.delete.succeeded > 0);
        if !applied.lost.is_empty() || recreated {
            // They are looked for, or made anew, by a run that reads everything: nothing changes in the source for that.
            let what = if recreated {
                "deleted objects that are made anew"
            } else {
                "found objects gone from the target"
            };
            state.forget_cursors(&format!("run {} {what}", begun.run)).await?;
        }
        state.end(begun.run, report.result(), &report.counts_json(), &report.causes).await?;
        Ok(report)
    }

    /// What `sekisho sync allow` is given for what these runs hold; for what none holds yet, with a word in the place of
    /// its number.
    fn to_allow(&self, holding: &BTreeSet<i64>) -> String {
        if holding.is_empty() {
            return format!("RUN {}", self.options.name);
        }
        let runs: Vec<String> = holding.iter().map(|run| format!("{run} {}", self.options.name)).collect();
        runs.join(" and sekisho sync allow ")
    }

    /// A gated plan as the queue takes it.
    async fn planned(
        &self,
        state: &State,
        (mode, complete): (&str, bool),
        gated: Gated,
        cursors: Vec<(String, String, Cursor)>,
        structure: BTreeMap<String, String>,
    ) -> Result<Planned, SyncError> {
        let Gated { released, held, notes, .. } = gated;
        let now = notes.into_iter().filter(|note| note.after.is_none());
        let (forgotten, changed): (Vec<Note>, Vec<Note>) = now.partition(|note| note.forget);
        let keys: Vec<_> = changed.iter().map(|note| note.key.clone()).collect();
        let mut links = state.links_of(&keys).await?;
        let mut notes: BTreeMap<_, _> = changed.into_iter().map(|note| (note.key.clone(), note)).collect();
        for link in &mut links {
            let Some(note) = notes.remove(&link.key) else { continue };
            if let Some(dn) = note.dn {
                link.dn = dn;
            }
            if let Some(state) = note.state {
                link.state = state;
            }
            if !note.held.is_empty() {
                let mut sums = link.sums.to_map();
                sums.extend(note.held);
                link.sums = sums.into();
            }
            // Members stay as they are kept.
            link.members.clear();
        }
        let forgotten: BTreeSet<ObjectKey> = forgotten.into_iter().map(|note| note.key).collect();
        let without = without(state, &forgotten).await?;
        Ok(Planned {
            mode: mode.to_owned(),
            complete,
            operations: released,
            held,
            links,
            unlinked: forgotten.into_iter().collect(),
            without,
            told: HashSet::new(),
            cursors,
            structure,
        })
    }

    pub(super) async fn apply(
        &self,
        state: &State,
        (only, early): (Option<i64>, Early),
        teller: &Teller<'_>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Applied, SyncError> {
        let hooks = &self.options.hooks;
        // Each operation in flight may have a hook that runs.
        let has_hooks = !hooks.before.is_empty() || !hooks.after.is_empty();
        let carried = if has_hooks { 1 } else { self.target.per_request().await };
        let policy = Arc::new(self.apply_policy(carried));
        let journal: &dyn Journal = teller;
        let (target, ids) = (Arc::clone(&self.target), self.ids.as_ref());
        let application = Application { state, target, policy, ids, journal, only, early, cancel };
        Ok(apply::apply(application).await?)
    }

    /// The directories, as they are to be read.
    pub(super) async fn parts(
        &self,
        mappings: &BTreeMap<ObjectType, Mapping>,
    ) -> Result<Vec<Part>, SyncError> {
        let mut parts = Vec::new();
        for (source, options) in self.sources.iter().zip(&self.options.sources) {
            let base = options.base.as_deref().unwrap_or(source.base());
            let own = |domain: Arc<dyn Source>| (domain.base().to_owned(), domain);
            let all = match source.domains(base).await? {
                Some(domains) => domains.into_iter().map(own).collect(),
                None => vec![(base.to_owned(), Arc::clone(source))],
            };
            for (base, source) in all {
                let conventions = Conventions::new(&self.options.conventions, &base)?;
                let scope = Scope::new(self.options.scope.clone(), source.account())?;
                let asked = (options, source.flavour().await?);
                let objects = &self.options.objects;
                let queries = Queries::new(asked, &base, objects, mappings, &scope, self.configuration);
                parts.push(Part { source, conventions, scope, queries });
            }
        }
        Ok(parts)
    }

    /// Of the links, of how far the sources were read, and of what decides over them.
    async fn fingerprint(&self, state: &State) -> Result<StateHash, SyncError> {
        let mut hash = StateHash::default();
        let mut pages = state.links();
        while let Some(page) = pages.next().await? {
            hash = page.iter().fold(hash, StateHash::with_link);
        }
        for ((source, query), cursor) in state.cursors().await? {
            if !cursor.value.is_empty() {
                hash = hash.with_cursor(&format!("{source} {query}"), &cursor);
            }
        }
        let decides = Cursor { server: String::new(), value: format!("{:016x}", self.configuration) };
        Ok(hash.with_cursor("configuration", &decides))
    }

    /// For a target of which one request carries so many operations.
    fn apply_policy(&self, carried: usize) -> apply::Policy {
        let types = &self.options.preset.types;
        let standing = types.iter().filter_map(|(kind, preset)| {
            let path = preset.active.clone()?;
            Some((*kind, Standing { path, usable: json!(true), unusable: json!(false) }))
        });
        let paths = || types.values().flat_map(|preset| preset.mapping.paths());
        apply::Policy {
            standing: standing.collect(),
            external_id: paths().find(|path| path.eq_ignore_ascii_case("externalId")).map(str::to_owned),
            adopt: self.options.matching.one == super::matching::OnOne::Adopt,
            secret: paths().filter(|path| is_secret(path)).map(str::to_owned).collect(),
            pace: self.options.pace.clone().for_requests_of(carried),
            hooks: self.options.hooks.clone(),
            sums: Sums { value: sum, reference: |key| reference_sum(sum, key), link: sum_of_link },
        }
    }
}

/// The links that have one of these as a member, without them.
async fn without(
    state: &State,
    gone: &BTreeSet<ObjectKey>,
) -> Result<Vec<(Link, Vec<ObjectKey>)>, SyncError> {
    let mut found = Vec::new();
    if gone.is_empty() {
        return Ok(found);
    }
    let mut pages = state.links();
    while let Some(page) = pages.next().await? {
        for mut link in page {
            let mut removed = Vec::new();
            for members in link.members.values_mut() {
                removed.extend(gone.iter().filter(|key| members.remove(*key)).cloned());
            }
            if !removed.is_empty() {
                found.push((link, removed));
            }
        }
    }
    Ok(found)
}

/// What a link becomes when its operation has succeeded, beside what the operation says.
fn attach(operations: &mut [Operation], notes: &[Note]) {
    let by: BTreeMap<_, &Note> = notes.iter().map(|note| ((&note.key, note.after), note)).collect();
    for operation in operations {
        if let Some(note) = by.get(&(&operation.key, Some(operation.action))) {
            operation.afterwards.state = note.state;
            operation.afterwards.sums.clone_from(&note.held);
            operation.afterwards.forget = note.forget;
        }
    }
}

fn is_secret(path: &str) -> bool {
    path.to_ascii_lowercase().contains("password") || identity::is_secret(path)
}
