//! The way of somebody whom the directory does not have any more, as far as the links tell.

use super::{KEPT, RECENT, before, held, step};
use crate::directory::dn::Dn;
use crate::sync::engine::{Step, Synchronisation};
use crate::sync::error::SyncError;
use crate::sync::link::{Link, LinkState};
use crate::sync::linked::is_person;
use crate::sync::mapping::sum;
use crate::sync::plan::Policy;
use crate::sync::structure::names;
use crate::sync::words::moment;

impl Synchronisation {
    /// Of those who are linked and were called so: what has become of them.
    pub(super) async fn explain_gone(&self, login: &str) -> Result<Vec<Step>, SyncError> {
        let (mut steps, policy) = (Vec::new(), self.options().plan_policy());
        let mut pages = self.state().links();
        while let Some(page) = pages.next().await? {
            for link in page.into_iter().filter(|link| self.was_called(link, login)) {
                let history = self.state().history(&link.key, KEPT).await?;
                steps.extend(way(&link, &policy, held(&history, &self.options().name)));
                steps.extend(history.into_iter().take(RECENT).map(before));
            }
        }
        Ok(steps)
    }

    /// Whether somebody was carried by this name: as the first part of the DN, the whole of it, or a value that objects are
    /// matched by. Of these values only sums are kept, so that a login name without a domain is tried with that of the DN,
    /// too.
    fn was_called(&self, link: &Link, login: &str) -> bool {
        let Some(preset) = self.options().preset.types.get(&link.key.kind) else { return false };
        if !is_person(link.key.kind) {
            return false;
        }
        let name = names::normal(&link.dn);
        let first = Dn::values(&link.dn).and_then(|values| values.into_iter().next());
        if name == names::normal(login)
            || first.is_some_and(|first| first.to_lowercase() == login.to_lowercase())
        {
            return true;
        }
        let domain = names::domain(&name).replace("dc=", "").replace(',', ".");
        let tried = [login.to_owned(), login.to_lowercase(), format!("{}@{domain}", login.to_lowercase())];
        let sums = tried.map(|text| sum(&text.into()));
        let paths = preset.mapping.match_by();
        link.sums.iter().any(|(path, sum)| sums.contains(&sum) && paths.iter().any(|known| known == path))
    }
}

/// What has become of somebody who is linked and not in the directory.
fn way(link: &Link, policy: &Policy, held: Option<String>) -> [Step; 3] {
    let dn = &link.dn;
    let import = match link.state {
        LinkState::Leaving { since } => {
            format!("{dn} is gone from the directory since {}", moment(since, &policy.zone))
        }
        LinkState::Active | LinkState::Inactive => {
            format!("the directory does not have {dn} any more, or the filter leaves it out")
        }
    };
    [
        step("import", false, import),
        step("match", true, format!("linked to {}", link.target_id)),
        step("act", held.is_none(), held.unwrap_or_else(|| act(link, policy))),
    ]
}

fn act(link: &Link, policy: &Policy) -> String {
    let rules = policy.types.get(&link.key.kind);
    match link.state {
        LinkState::Leaving { since } => match rules.and_then(|rules| rules.deleted_at(since)) {
            Some(deleted) => {
                let deleted = moment(deleted, &policy.zone);
                format!("deactivated at the target, deleted there after {deleted}")
            }
            None => {
                "deactivated at the target, and kept there: by the preset or by deactivation nothing is deleted"
                    .to_owned()
            }
        },
        LinkState::Active => {
            "in use at the target; a run deactivates it there when the directory tells".to_owned()
        }
        LinkState::Inactive => {
            "deactivated at the target; a run takes note of it when the directory tells".to_owned()
        }
    }
}
