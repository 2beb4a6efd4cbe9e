//! Whether entries are there: many DNs, asked one by one on one connection, some at a time.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use ldap3::{Ldap, LdapResult, Scope, SearchOptions, SearchResult};

use super::There;
use super::reading::Reading;
use crate::directory::connection::{Fault, guarded, limited};
use crate::directory::{DirectoryError, LdapDirectory, NO_SUCH_OBJECT};

/// So many questions wait for their answers at once.
const AT_ONCE: usize = 8;

impl LdapDirectory {
    /// [`Source::there`](super::Source::there): what one server says of all of them.
    pub(super) async fn are_there(&self, dns: &[String]) -> Result<Vec<There>, DirectoryError> {
        let asked = self.servers.ask_in_turn(|server| async move {
            let reading = Reading::open(server).await?;
            let (ldap, limit) = (&reading.connection.ldap, reading.limit);
            // Collected: a stream with a closure could not be sent to another thread.
            let asked: Vec<_> = dns.iter().map(|dn| ask(ldap.clone(), dn, limit)).collect();
            stream::iter(asked).buffered(AT_ONCE).try_collect().await.map(Some)
        });
        Ok(asked.await?.unwrap_or_default())
    }
}

async fn ask(mut ldap: Ldap, dn: &str, limit: Duration) -> Result<There, Fault> {
    let seconds = i32::try_from(limit.as_secs()).unwrap_or(0).max(1);
    ldap.with_search_options(SearchOptions::new().timelimit(seconds));
    let search = ldap.search(dn, Scope::Base, "(objectClass=*)", ["1.1"]);
    let SearchResult(_, result) = limited(limit, "the search", guarded(search)).await?;
    judge(&result)
}

fn judge(result: &LdapResult) -> Result<There, Fault> {
    match result.rc {
        // An entry that bind_dn may find and not read is there, too.
        0 => Ok(There::Yes),
        NO_SUCH_OBJECT => Ok(There::No),
        // busy, unavailable
        51 | 52 => Err(Fault::Lost(result.to_string())),
        _ => Ok(There::Unsure(result.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_answer_says_that_nobody_has_a_name() {
        let said = |rc| {
            let result = LdapResult {
                rc,
                matched: String::new(),
                text: "noSuchObject".to_owned(),
                refs: Vec::new(),
                ctrls: Vec::new(),
            };
            judge(&result)
        };
        assert!(matches!((said(0), said(32)), (Ok(There::Yes), Ok(There::No))));
        // referral, invalidDNSyntax, insufficientAccessRights
        for code in [10, 34, 50] {
            assert!(matches!(said(code), Ok(There::Unsure(_))), "{code}");
        }
        assert!(matches!(said(51), Err(Fault::Lost(_))));
    }
}
