//! `[[sync]]`: services that accounts are carried to, and `[mail]`: the relay for notices.

mod conventions;
mod ldap;
mod limits;
mod mail;
mod rules;
mod scim;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::DirectoryConfig;
use super::fault::Complaint;
use super::reader::Section;
use super::values::{choice, count, duration, flag, text, web_url};
use crate::authproc::hint;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::outgoing::mail::parse_address;
use crate::sync::ObjectType;
use crate::sync::hooks::{Hook, Hooks};
use crate::sync::matching::MatchRules;
use crate::sync::options::{Destination, NoticeOptions, SourceOptions, SyncOptions};
use crate::sync::pace::PaceOptions;
use crate::sync::plan::{Deactivation, ImmutableChange, Orphans};
use crate::sync::preset::Preset;
use crate::sync::schedule::Schedule;
use crate::sync::scope::{Scope, ScopeOptions};

pub(super) use self::mail::read_mail;

const DEACTIVATIONS: &[(&str, Deactivation)] = &[
    ("delete-later", Deactivation::DeleteLater),
    ("deactivate-only", Deactivation::DeactivateOnly),
    ("deactivation-deletes", Deactivation::DeactivationDeletes),
];
const ORPHANS: &[(&str, Orphans)] = &[("keep", Orphans::Keep), ("deactivate", Orphans::Deactivate)];
const IMMUTABLE: &[(&str, ImmutableChange)] =
    &[("skip", ImmutableChange::Skip), ("recreate", ImmutableChange::Recreate)];

/// Reads every `[[sync]]`; each name only once.
pub(super) fn read(
    document: &Section<'_>,
    directories: &[DirectoryConfig],
    zone: &TimeZone,
    has_mail: bool,
) -> Vec<SyncOptions> {
    let mut all: Vec<SyncOptions> = Vec::new();
    for section in document.sections("sync") {
        let Some(target) = read_target(&section, directories, (zone, has_mail)) else { continue };
        if all.iter().any(|other| other.name == target.name) {
            let message = format!("\"{}\" is the name of another target", target.name);
            section.complain("name", Complaint::wrong(message, "give each its own name"));
        }
        all.push(target);
    }
    all
}

fn read_target(
    section: &Section<'_>,
    directories: &[DirectoryConfig],
    (zone, has_mail): (&TimeZone, bool),
) -> Option<SyncOptions> {
    let name = section.required("name", "give it a short name, such as \"diligent\"", name);
    let preset = rules::read_preset(section);
    let sources = read_sources(section, directories);
    let destination =
        if section.has("ldap") { ldap::read(section, directories) } else { scim::read(section) };
    let gate = limits::read(section);
    let notices = read_notices(section, has_mail);
    let hooks = read_hooks(section);
    let schedule = read_schedule(section, "schedule", zone);
    let full_schedule = read_schedule(section, "full_schedule", zone);
    let watch = read_watch(section, &sources, directories);
    let token_expires = section.optional("token_expires", date).and_then(|day| moment(day, zone));
    let (mut conventions, named) = conventions::read(section, &sources, directories);
    let scope = read_scope(section);
    let matching = section.by_serde::<MatchRules>("match").unwrap_or_default();
    let deactivation = section.optional("deactivation", choice(DEACTIVATIONS));
    let days = SignedDuration::from_hours(24 * 30);
    let delete_after = section.or("delete_after", days, zero_or_duration);
    let immutable_change = section.or("immutable_change", ImmutableChange::Skip, choice(IMMUTABLE));
    let orphans = section.or("orphans", Orphans::Keep, choice(ORPHANS));
    let compare = section.or("compare", true, flag);
    let in_flight = section.or("in_flight", 8, count(1..=256));
    let per_second = section.optional("requests_per_second", count(1..=100_000));
    let members = section.optional("members_per_request", count(1..=100_000));
    let objects = section.list("objects", object);
    let bulk = section.optional("bulk", flag);
    // Every key is asked for above this line: one that is not would be told as unknown.
    let mut preset = preset?;
    let bulk = checked_bulk(section, &preset, bulk);
    preset.members_per_request = members.unwrap_or(preset.members_per_request);
    let mut destination = destination?;
    if let Destination::Ldap { options, .. } = &mut destination {
        options.chunk = preset.members_per_request as usize;
    }
    if objects.as_ref().is_some_and(Vec::is_empty) && section.is_empty_list("objects") {
        let remedy = "name what is carried, or take the key out";
        section.complain("objects", Complaint::wrong("is empty, so nothing would be carried", remedy));
    }
    let objects = objects.map_or_else(
        || preset.types.iter().filter(|(_, one)| one.carried).map(|(kind, _)| *kind).collect(),
        |kinds| checked_objects(section, &preset, kinds),
    );
    if !objects.contains(&ObjectType::SecurityGroup) && !section.has_within("conventions", "security_by_type")
    {
        // In Active Directory most groups are for rights: they would be of a type that is not carried.
        conventions.security_by_type = false;
    }
    limits::warn_of_others(section, &objects, &gate);
    rules::warn_of_references(section, &objects);
    let per_second = per_second.unwrap_or(preset.rate);
    Some(SyncOptions {
        name,
        sources,
        destination,
        objects,
        conventions,
        named,
        scope,
        matching,
        gate,
        deactivation,
        delete_after,
        immutable_change,
        orphans,
        compare,
        pace: PaceOptions {
            in_flight: in_flight as usize,
            per_second: Some(f64::from(per_second)),
            ..PaceOptions::default()
        },
        bulk,
        // What no change in the directory tells of, such as an account that expires, is seen by a full run.
        full_schedule: full_schedule
            .or_else(|| schedule.as_ref().map(|_| Schedule::Every(SignedDuration::from_hours(24)))),
        schedule,
        watch,
        token_expires,
        hooks,
        notices,
        preset,
        zone: zone.clone(),
    })
}

fn checked_bulk(section: &Section<'_>, preset: &Preset, bulk: Option<bool>) -> bool {
    let bulk = bulk.unwrap_or(preset.bulk);
    if bulk && !preset.bulk {
        let message = format!("preset \"{}\" is of a service without bulk requests", preset.name);
        section.complain("bulk", Complaint::wrong(message, "take it out"));
    }
    bulk && preset.bulk
}

fn read_scope(section: &Section<'_>) -> ScopeOptions {
    let scope = section.by_serde::<ScopeOptions>("scope").unwrap_or_default();
    if let Err(error) = Scope::new(scope.clone(), None) {
        let told = error.to_string();
        let (message, remedy) = told.split_once("; ").unwrap_or((told.as_str(), "correct it"));
        section.complain("scope", Complaint::wrong(message, remedy));
    }
    scope
}

fn read_sources(section: &Section<'_>, directories: &[DirectoryConfig]) -> Vec<SourceOptions> {
    let names = section.one_or_list("directory", text);
    if names.is_none() || section.is_empty_list("directory") {
        section.missing("directory", "name the [[directory]] that is read, or a list of them");
    }
    let base = section.optional("search_base", text);
    let filter = section.optional("filter", ldap_filter);
    let kinds = [
        ("user_filter", ObjectType::User),
        ("contact_filter", ObjectType::Contact),
        ("group_filter", ObjectType::Group),
        ("unit_filter", ObjectType::Organization),
    ];
    let filters: BTreeMap<ObjectType, String> = kinds
        .into_iter()
        .filter_map(|(key, kind)| Some((kind, section.optional(key, ldap_filter)?)))
        .collect();
    let names = names.unwrap_or_default();
    if base.is_some() && names.len() > 1 {
        let remedy = "take it out: of several directories each has its own base";
        section.complain("search_base", Complaint::wrong("is one base for several directories", remedy));
    }
    for name in &names {
        if !directories.iter().any(|directory| directory.name() == name) {
            let complaint = format!("there is no directory \"{name}\"");
            let known: Vec<&str> = directories.iter().map(DirectoryConfig::name).collect();
            section.complain("directory", Complaint::wrong(complaint, hint(name, &known)));
        }
    }
    for directory in directories.iter().filter(|directory| names.iter().any(|name| name == directory.name()))
    {
        let DirectoryConfig::Ldap(options) = directory else { continue };
        if (1..options.urls.len()).contains(&options.catalogues()) {
            let message =
                format!("\"{}\" has urls of global catalogues (port 3268 or 3269) and others", options.name);
            section.complain("directory", Complaint::wrong(message, "leave it those of one kind"));
        }
    }
    let source = |directory| SourceOptions {
        directory,
        base: base.clone(),
        filters: filters.clone(),
        filter: filter.clone(),
    };
    names.into_iter().map(source).collect()
}

fn read_notices(section: &Section<'_>, has_mail: bool) -> NoticeOptions {
    let notices = NoticeOptions {
        mail_to: section.list("mail_to", mail_address).unwrap_or_default(),
        webhook: section.optional("webhook", web_url),
    };
    let elsewhere = |rest: &str| {
        let host = rest.split('/').next().unwrap_or_default();
        let with_port = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        !is_this_machine(with_port.map_or(host, |(host, _)| host))
    };
    if notices.webhook.as_deref().and_then(|url| url.strip_prefix("http://")).is_some_and(elsewhere) {
        section.warn("webhook", "names of people may cross the network in clear", "write https://");
    }
    if !notices.mail_to.is_empty() && !has_mail {
        section
            .complain("mail_to", Complaint::wrong("there is no relay to send by", "describe it in [mail]"));
    }
    notices
}

fn read_hooks(section: &Section<'_>) -> Hooks {
    let patience = section.or("hook_timeout", SignedDuration::from_secs(10), duration);
    let patience = Duration::try_from(patience).unwrap_or(Duration::from_secs(10));
    let hooks = |key: &'static str| {
        let words = section.list(key, text).filter(|words| !words.is_empty())?;
        let (program, arguments) = words.split_first()?;
        // Without a slash it would be looked for in PATH.
        let program = section.resolve(program);
        let program = std::path::absolute(&program).unwrap_or(program);
        if !program.is_file() {
            let message = format!("{} is no file", program.display());
            section.complain(key, Complaint::wrong(message, "write the program, and its arguments after it"));
        }
        Some(Hook { program, arguments: arguments.to_vec(), patience })
    };
    Hooks {
        before: hooks("hook_before").into_iter().collect(),
        after: hooks("hook_after").into_iter().collect(),
    }
}

fn read_watch(section: &Section<'_>, sources: &[SourceOptions], directories: &[DirectoryConfig]) -> bool {
    let watch = section.or("watch", false, flag);
    if watch && !section.has("schedule") {
        let remedy =
            "write a schedule as well, such as \"1h\": it is what remains where a directory cannot be heard";
        section.complain("watch", Complaint::wrong("stands without a schedule", remedy));
    }
    let is_file = |one: &DirectoryConfig| matches!(one, DirectoryConfig::File { .. });
    let read = |one: &&DirectoryConfig| sources.iter().any(|source| source.directory == one.name());
    if let Some(file) = directories.iter().filter(read).find(|one| watch && is_file(one)) {
        let message = format!("\"{}\" is a file, which tells of no changes", file.name());
        section.complain("watch", Complaint::wrong(message, "take it out"));
    }
    watch
}

fn read_schedule(section: &Section<'_>, key: &'static str, zone: &TimeZone) -> Option<Schedule> {
    section.optional(key, |value| {
        let written = text(value)?;
        if !written.trim().contains(' ') || written.trim().starts_with('P') {
            let remedy = "write a length of time such as \"15m\", or five fields such as \"30 3 * * *\"";
            let every =
                duration(value).map_err(|complaint| Complaint { remedy: remedy.to_owned(), ..complaint })?;
            let shortest = SignedDuration::from_secs(10);
            let remedy = "write at least \"10s\"";
            return if every >= shortest {
                Ok(Schedule::Every(every))
            } else {
                Err(Complaint::wrong("is too short", remedy))
            };
        }
        let remedy = "write a length of time such as \"15m\", or five fields such as \"30 3 * * *\"";
        let fields = written.split_whitespace().count();
        if fields != 5 {
            let message = format!("\"{written}\" is no schedule: it has {fields} fields");
            return Err(Complaint::wrong(message, remedy));
        }
        Schedule::crontab(&written, zone, SystemClock.now())
            .map_err(|error| Complaint::wrong(error.to_string(), remedy))
    })
}

fn checked_objects(section: &Section<'_>, preset: &Preset, kinds: Vec<ObjectType>) -> BTreeSet<ObjectType> {
    for kind in &kinds {
        if !preset.types.contains_key(kind) {
            let message = format!("{} does not have the type \"{}\"", preset.title, kind.key());
            section.complain("objects", Complaint::wrong(message, "take it out"));
        }
    }
    kinds.into_iter().collect()
}

fn object(value: &DeValue<'_>) -> Result<ObjectType, Complaint> {
    let written = text(value)?;
    ObjectType::parse(&written).ok_or_else(|| {
        let known: Vec<&str> = ObjectType::ALL.into_iter().map(ObjectType::key).collect();
        Complaint::wrong(
            format!("\"{written}\" is no type of object"),
            format!("choose from {}", known.join(", ")),
        )
    })
}

fn name(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if written.len() <= 64 && written.chars().all(fits) {
        return Ok(written);
    }
    let message = format!("\"{written}\" is no name of a target");
    Err(Complaint::wrong(message, "use at most 64 letters, digits, '-', '_' and '.'"))
}

fn mail_address(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    parse_address(&written)
        .map(|()| written)
        .map_err(|error| Complaint::wrong(error.to_string(), "write it as in \"admin@example.co.jp\""))
}

fn ldap_filter(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    // It becomes a part of another filter, where it needs its brackets.
    if written.starts_with('(') && crate::directory::filter::is_filter(&written) {
        return Ok(written);
    }
    let remedy = "write it as in \"(department=Sales)\" (RFC 4515)";
    Err(Complaint::wrong(format!("\"{written}\" is no LDAP filter"), remedy))
}

fn is_this_machine(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]", "::1"].contains(&host)
}

fn zero_or_duration(value: &DeValue<'_>) -> Result<SignedDuration, Complaint> {
    if matches!(value.as_str(), Some("0" | "0d" | "0s")) {
        return Ok(SignedDuration::ZERO);
    }
    duration(value)
}

fn date(value: &DeValue<'_>) -> Result<Date, Complaint> {
    let written = match value {
        DeValue::Datetime(date) => date.to_string(),
        other => text(other)?,
    };
    let remedy = "write a day as in \"2027-08-01\"";
    written.parse().map_err(|_| Complaint::wrong(format!("\"{written}\" is no day"), remedy))
}

fn moment(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp())
}
