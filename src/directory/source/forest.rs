//! A global catalogue as a source: it knows all domains of a forest and few attributes of what is in them, so it is asked
//! where the domains are, and each is read from its own domain controllers as a source of its own.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Source;
use super::reading::{Pages, Reading};
use crate::directory::connection::Fault;
use crate::directory::dn::Dn;
use crate::directory::options::ServerUrl;
use crate::directory::wire::Entry;
use crate::directory::{DirectoryError, LdapDirectory, LdapOptions};

/// FLAG_CR_NTDS_NC and FLAG_CR_NTDS_DOMAIN (\[MS-ADTS\] 2.2.10): of a naming context of the forest that is a domain.
const DOMAIN: i64 = 3;

/// No forest has so many.
const MOST_DOMAINS: usize = 10_000;

/// A domain, by its crossRef (\[MS-ADTS\] 6.1.1.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Domain {
    /// The DN of its naming context.
    context: String,
    /// Its name in DNS, by which its domain controllers are found.
    host: String,
    netbios_name: Option<String>,
}

impl LdapDirectory {
    /// The domains at and below `base`; of a base inside a domain, that one from there on.
    pub(super) async fn forest(&self, base: &str) -> Result<Vec<Arc<dyn Source>>, DirectoryError> {
        let refused = |cause| DirectoryError::Refused {
            directory: self.options.name.clone(),
            code: 0,
            operation: "forest",
            cause,
        };
        let (domains, own) = self.partitions().await?;
        let chosen = chosen(domains, base);
        if chosen.is_empty() {
            return Err(refused(format!("no domain of the forest holds \"{base}\" or is below it")));
        }
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        for (domain, base) in chosen {
            let options = self.options_of(&domain, base, &own).map_err(refused)?;
            let limits = self.servers.limits;
            let made = Self::with_limits(options, Arc::clone(&self.clock), limits)?;
            sources.push(Arc::new(made));
        }
        Ok(sources)
    }

    /// The domains of the forest, and of each global catalogue the domain that it is a domain controller of.
    async fn partitions(&self) -> Result<(Vec<Domain>, Vec<(Dn, ServerUrl)>), DirectoryError> {
        let each = self.servers.ask_each(|server| async move {
            let mut reading = Reading::of_catalogue(server).await?;
            let root = reading.entry("", &["defaultNamingContext", "configurationNamingContext"]).await?;
            let text = |name| Some(root.as_ref()?.text(name)?.to_owned());
            let domains = domains_of(&mut reading, text("configurationNamingContext")).await?;
            Ok((domains, text("defaultNamingContext")))
        });
        // The first in the order of the configuration says which domains there are, not the first that answered.
        let (mut domains, mut last) = (None, None);
        for (server, answer) in each.await {
            match answer {
                Ok((named, context)) => {
                    domains.get_or_insert(named);
                    if let Some(context) = context.and_then(|text| Dn::parse(&text)) {
                        self.catalogues().insert(server.url.text.clone(), context);
                    }
                }
                Err(fault) => last = Some(self.servers.error(&server, &fault)),
            }
        }
        let domains = domains.ok_or_else(|| last.unwrap_or_else(|| self.servers.all_failed(Vec::new())))?;
        let known = self.catalogues();
        let own = self.servers.list.iter().map(|server| &server.url);
        let own = own.filter_map(|url| Some((known.get(&url.text)?.clone(), url.clone()))).collect();
        Ok((domains, own))
    }

    /// What is known of them, from before too: one that is out now is of the same domain as it was.
    fn catalogues(&self) -> MutexGuard<'_, HashMap<String, Dn>> {
        self.catalogues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options_of(
        &self,
        domain: &Domain,
        base: String,
        own: &[(Dn, ServerUrl)],
    ) -> Result<LdapOptions, String> {
        let context = Dn::parse(&domain.context);
        let here = own.iter().filter(|(of, _)| Some(of) == context.as_ref());
        let mut urls: Vec<String> = here.map(|(_, url)| url.beside()).collect();
        if urls.is_empty() {
            let url = own.first().map(|(_, url)| url).ok_or("no global catalogue says what it is of")?;
            let url = url.at_host(&domain.host, &self.options);
            urls = vec![url.ok_or_else(|| format!("\"{}\" is no name of a host", domain.host))?.text];
        }
        Ok(LdapOptions {
            name: format!(
                "{}/{}",
                self.options.name,
                Dn::values(&domain.context).unwrap_or_default().join(".").to_lowercase()
            ),
            urls,
            search_base: base,
            netbios_names: domain
                .netbios_name
                .clone()
                .map_or_else(|| self.options.netbios_names.clone(), |name| vec![name]),
            ..self.options.clone()
        })
    }
}

/// All domains that the configuration of the forest names.
async fn domains_of(reading: &mut Reading, configuration: Option<String>) -> Result<Vec<Domain>, Fault> {
    let refused = |cause: String| Fault::Refused { code: 0, operation: "forest", cause };
    let configuration =
        configuration.ok_or_else(|| refused("the root DSE has no configurationNamingContext".to_owned()))?;
    let base = format!("CN=Partitions,{configuration}");
    let names = ["nCName", "dnsRoot", "nETBIOSName", "systemFlags"].map(str::to_owned);
    let pages = Pages::of(&base, "(objectClass=crossRef)".to_owned(), Arc::new(names));
    let found = reading.all(pages, MOST_DOMAINS).await?.unwrap_or_default();
    let is_domain =
        |entry: &&Entry| entry.number("systemFlags").is_some_and(|flags| flags & DOMAIN == DOMAIN);
    let domain = |entry: &Entry| {
        let text = |name| entry.text(name).map(str::to_owned);
        let unknown = || refused(format!("\"{}\" shows no nCName or dnsRoot; let bind_dn read it", entry.dn));
        let (context, host) = text("nCName").zip(text("dnsRoot")).ok_or_else(unknown)?;
        Ok(Domain { context, host, netbios_name: text("nETBIOSName") })
    };
    found.iter().filter(is_domain).map(domain).collect()
}

/// Those that a base is about, each with the base inside it.
fn chosen(domains: Vec<Domain>, base: &str) -> Vec<(Domain, String)> {
    let Some(wanted) = Dn::parse(base) else { return Vec::new() };
    let named = domains.into_iter().filter_map(|domain| Some((Dn::parse(&domain.context)?, domain)));
    let named: Vec<(Dn, Domain)> = named.collect();
    let mut holder: Option<&(Dn, Domain)> = None;
    for one in named.iter().filter(|(context, _)| wanted.is_under(context)) {
        if holder.is_none_or(|(nearest, _)| one.0.is_under(nearest)) {
            holder = Some(one);
        }
    }
    let below = named.iter().filter(|(context, _)| context.is_under(&wanted) && *context != wanted);
    let below = below.map(|(_, domain)| (domain.clone(), domain.context.clone()));
    holder.map(|(_, domain)| (domain.clone(), base.to_owned())).into_iter().chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_about_its_domain_and_those_below() {
        let domain =
            |context: &str| Domain { context: context.to_owned(), host: String::new(), netbios_name: None };
        let all = ["DC=a,DC=x", "DC=child,DC=a,DC=x", "DC=b,DC=x"];
        let bases = |base| {
            let chosen = chosen(all.iter().map(|context| domain(context)).collect(), base);
            chosen.into_iter().map(|(domain, base)| (domain.context, base)).collect::<Vec<_>>()
        };
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
        };
        let both = [("DC=a,DC=x", "dc=A,DC=x"), ("DC=child,DC=a,DC=x", "DC=child,DC=a,DC=x")];
        assert_eq!(bases("dc=A,DC=x"), pairs(&both));
        assert_eq!(bases("DC=x").len(), 3);
        let inside = "OU=p,DC=child,DC=a,DC=x";
        assert_eq!(bases(inside), pairs(&[("DC=child,DC=a,DC=x", inside)]));
        assert_eq!(bases("OU=p,DC=a,DC=x"), pairs(&[("DC=a,DC=x", "OU=p,DC=a,DC=x")]));
        assert_eq!(bases("DC=y"), pairs(&[]));
        assert_eq!(bases("no name"), pairs(&[]));
    }
}
