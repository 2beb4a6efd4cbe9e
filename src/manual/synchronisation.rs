//! # Synchronisation: what is carried, and how it is spelled
//!
//! People, organisations, groups, contacts and roles of a directory are carried to services by SCIM 2.0 (RFC 7643, RFC
//! 7644), or to another LDAP directory. One `[[sync]]` is one target:
//!
//! ```toml
//! # sekisho.toml
//! [[sync]]
//! name = "idp"
//! directory = "corp"                               # a [[directory]]
//! preset = "generic"
//! url = "https://scim.example.com/v2"
//! token_file = "certs/idp-token"                   # sekisho sync token set idp
//! schedule = "40s"                                 # what changed, beside sekisho serve
//! full_schedule = "30 3 * * *"                     # everything
//! token_expires = 2027-08-01
//! ```
//!
//! Every key is told in [configuration](super::configuration), the account that reads in
//! [operations](super::operations), what an object is at a service in [presets](super::presets).
//!
//! ## What is done
//!
//! A run goes through these steps; `check` and `plan` stop before the fifth and have then written nothing anywhere:
//!
//! 1. *Read*: the directory as a whole, or what changed since the last run. A reading that breaks off is none.
//! 2. *Scope*: who is carried (`[sync.scope]`). Never the account that the directory is read as, nor what Active Directory
//!    marks by isCriticalSystemObject (Administrator, Guest, krbtgt, the unit Domain Controllers; of groups it means nothing),
//!    nor `admin`, nor whom `seciossAccountStatus` calls deleted, unless the configuration says otherwise of these two.
//! 3. *Map and match*: the rules make of an entry what it should be at the target. An object is known by its objectGUID or
//!    entryUUID: who is renamed or moved stays the same one. Who has no counterpart yet is looked for there, by the paths that
//!    the preset names, the most trusted first. One that belongs to nobody is taken over (`match.one`), none is made
//!    (`match.none`); several, or one that belongs to somebody else, is a conflict: nothing is done. Whoever is in conflict,
//!    has a value that does not pass the rules, or is only told of (`match.one` or `match.none` = `"report"`), is looked at
//!    again and told of by each run of changes until that is over, whether it is cured in the directory or at the target; 50
//!    of them in one run, each in turn. More than 50 who want the same are looked at again by a full run only, so are units
//!    and groups where these are more than 50, and of more than 2,000 in all the others are told of by their number.
//!    `--user` sees one person alone: what somebody is known to want as well is not taken over, and where something is, a
//!    warning says that nobody else was looked at.
//! 4. *Plan and gate*: what differs is planned. What is too much at once waits; see below.
//! 5. *Queue*: what is to be done is written down together with how far the directory was read, and stays until it is done.
//!    A crash repeats work and loses none.
//! 6. *Apply*: created, changed, related (members, managers), deactivated, deleted, in this order, many at once. A creation
//!    whose answer was lost is looked for before it is sent again, after at least twice as long as it lasted. Many changes go
//!    in one request where the preset allows it and the service announces it (RFC 7644 section 3.7): up to 25 for each of
//!    `in_flight`, but never more than 256 at once, up to 100 in one request, and as many as it does in some seconds.
//!    `requests_per_second` counts the changes, so that it must be raised for this to pay. A service that does not do what it
//!    announces is a warning, and each change
//!    goes by itself; so it does where there is but one. `bulk = false` is without it. Of changes with hooks no more than
//!    `in_flight` are under way.
//!
//! **What the target alone has is never touched**, unless `orphans = "deactivate"`; that too waits as long as somebody of the
//! type is in conflict, or could not be looked for, who may be one of them. Attributes without a rule are never written. A
//! full run compares what rules fill with what the target shows and puts it right, unless `compare = false`;
//! of managers and members, those who are linked: members that the target alone has stay.
//!
//! Who leaves goes down a ladder, and comes back on the same object:
//!
//! | in the directory | at the target |
//! |---|---|
//! | out of scope, disabled, expired | `active` becomes false, and stays so; who was never there is not made |
//! | back again | `active` becomes true |
//! | gone | `active` becomes false, and after `delete_after` (30 days; `"0"`: at once) the object is deleted. What cannot be deactivated, such as a group, waits as long |
//! | gone, with `deactivation = "deactivate-only"` | `active` becomes false, and nothing more |
//! | any of them, with `deactivation = "deactivation-deletes"` | the service deletes what is deactivated; the gate counts it as a deletion |
//!
//! Who is still active when a deletion is due, as with `delete_after = "0"`, and whose deletion the target refuses, is
//! deactivated in the same run, once, and the deletion is tried again as all that fails. It counts as a Delete that did not
//! succeed and a Modify that did; `hook_before` is asked for both. What a hook keeps back is no refusal of the target.
//!
//! Who is deactivated or deleted at a target loses the sessions here as well. A run by `sekisho serve` tells the service
//! providers; one by hand ends the sessions, and a running server heeds it within a second.
//!
//! A directory without referential integrity, such as an OpenLDAP without the overlay `refint`, leaves the old DN of whoever
//! is renamed or moved in its groups. As long as no other entry that `bind_dn` can see has that DN, the groups go on meaning
//! the same person: members, rights and the selection stay, and each run that reads groups asks for the DN and warns. Where
//! the directory does not say whether anybody has it, and where there are more than 1,000 such DNs, which are not asked for,
//! each is taken for who had it unless a person whom the run reads has it, and the run warns of that. A `manager` that is
//! an old DN is found in the run that sees the new name, and in later ones as long as a group says the old one as well: no
//! other former name is kept, for nobody would ask whose it is. Give the directory the overlay, and correct the groups.
//!
//! ## Several domains
//!
//! `directory` may be a list: members, managers and primary groups are then found in all of them. Groups give rights, and are
//! taken apart when they are inside others, within their own directory.
//!
//! Where the urls of a `[[directory]]` are those of a global catalogue (port 3268 or 3269), it stands for a list of the
//! domains at and below `search_base`. Each run asks the catalogue which there are (crossRef objects in
//! `CN=Partitions,CN=Configuration`), and reads each domain whole, since a catalogue has few attributes:
//!
//! * from the host of the catalogue where that is a domain controller of it, else from the name of the domain in DNS; on port
//!   389 or 636 as the urls are `ldap` or `ldaps`, with `start_tls`, `ca_certificate` and the account of the `[[directory]]`.
//!   So certificates must name the domain as well, as those of the template "Kerberos Authentication" do, and `bind_dn` is
//!   best written `svc@example.co.jp`, which the domain controllers of all domains know.
//! * each with its own base, below which the conventions are looked for, and cursors of its own. Messages name a domain by
//!   `DIRECTORY/child.example.co.jp`.
//!
//! A domain that cannot be read ends the run. A new one means that everything is read. One that was read before and is not
//! named any more, because it was closed, cannot be seen or `search_base` is another, is a warning of each run, and nobody of
//! it is deactivated or deleted, or leaves a group: that is held back until `sekisho sync allow`. Once that is given they go
//! the way of all who leave, and are deleted in time without being asked for again.
//!
//! ## Safety
//!
//! * **The gate.** Over a limit of `[sync.limits.TYPE]` (5 percent or 50 objects, whichever is more) nothing of that type is
//!   deactivated or deleted, and nobody leaves a group because of it; what is created and changed goes on. What was
//!   deactivated, or deleted, within a day before counts too, so that many small runs are as one, and so does what was
//!   released and the target did not take yet: until somebody allows what a run holds back, from when on it is counted anew.
//!   Over that of `modify` nothing of that type is changed, over that of `members` nobody leaves that group. With
//!   `over_limit = "everything"` nothing at all is sent.
//! * **What was held back waits** until somebody allows it, though it would pass by now because the day is over, a limit was
//!   raised, or others are there; or until the directory no longer wants it. As long as something is held back, each run
//!   says so and ends with 1.
//! * **An empty source** takes nobody away by itself, nor does a reading that was not whole. When the last objects of a type
//!   are gone from the directory, or a whole reading has none of those who are linked (another directory?), up to 1,000,
//!   their deactivation is held back until `sekisho sync allow`, and after `delete_after` their deletion once more; of more
//!   than these nobody leaves. Each run says so and ends with 1. Runs of changes ask for that type alone, and as soon as it
//!   has an object again, everything is read: who is there is no longer held back.
//! * **A selection that is gone** takes nobody away: with `scope.who = "selected"` a run ends before anything is sent when no
//!   directory has a group that selects, because it was renamed, deleted or hidden, or is misspelt.
//! * **A forgetful target**, which in a full run lacks more of its objects than the limit of deletions, is not filled anew:
//!   the run ends before anything is sent. `run --full --refill` fills it.
//! * **Credentials that are refused** end the run after one more question. Nothing is lost by it.
//! * **A target that is busy** (429, 503) is left alone as long as it asks for; of more than 10 seconds the log tells. An
//!   operation is tried 8 times, then put off for 6, 12, and each further time 24 hours, while the run goes on; a target that
//!   does not answer at all ends the run. What it is asked before anything is sent keeps to the same pace; after 8 questions
//!   in a row that it had no time for, the others are left to the next run.
//! * **What failed** is tried again after these hours by runs of changes; at once by each full run, by `resume` and by a run
//!   that first makes whom an earlier one left, and that of one person by `--user`.
//!
//! ## Commands
//!
//! Exit code 0 is good, 1 is what the table says, 2 is a command that was used wrong, such as by an unknown target.
//!
//! | command | what it does | 1 when |
//! |---|---|---|
//! | `sekisho sync test idp` | proves address and credentials, and says what the target has | it does not answer or refuses |
//! | `sekisho sync check idp` | says what would be done; `--full`: against everything | something would be held back, is in conflict, cannot be carried or is only told of |
//! | `sekisho sync run idp` | carries what changed; `--full`: everything; `--user tanaka`: one person | it was interrupted; something failed, was put off or held back, is in conflict, cannot be carried or is only told of; failed operations, of earlier runs too, wait to be tried again |
//! | `sekisho sync plan idp --out FILE` | the same as `check`, and writes all to a file, which holds personal data | as `check` |
//! | `sekisho sync apply FILE` | carries out such a file, if since then nothing was read or carried | as `run`; it is stale |
//! | `sekisho sync status` | the newest runs, whether one is under way and on which machine, how much waits for the next one, why none could begin since, that none can for want of a token, who is gone from the directory and when the next one is deleted, who is in conflict or cannot be carried, what is held back, what failed; `--json` | |
//! | `sekisho sync explain --user tanaka` | each step of one person and why; of somebody who is gone from the directory, what becomes of the account; that is found by the login name, the DN or the name at the target. Who is there is found by the login name or the DN, here and by `run --user` | the way ends before the last step, or something is held back |
//! | `sekisho sync allow 6 idp` | releases exactly what run 6 holds back | as `run`; it holds nothing back |
//! | `sekisho sync pause idp` | nothing is carried by anybody until `resume`; a run that is under way, on whichever node, ends within seconds as by Ctrl-C; `check` still works | |
//! | `sekisho sync resume idp` | goes on, and runs at once, also what failed; `--full`: everything | as `run` |
//! | `sekisho sync token set idp` | writes a token from standard input to `token_file`, whatever was in it; one that cannot be used is the matter of this target alone, and the server starts | |
//!
//! ```text
//! $ sekisho sync token set idp
//! Token of idp:
//! the token is in certs/idp-token; `sekisho sync test idp` tries it
//! $ sekisho sync test idp
//! idp answers and takes the credentials; it has User, Group and lists all of them
//! $ sekisho sync check idp
//! Data=IDP Object=User Total=2 Add=2(0 succeeded) Modify=0(0 succeeded) Delete=0(0 succeeded) Error/Skip=0
//! would be done: 2
//!   create User uid=suzuki,ou=people,dc=example,dc=jp displayName externalId name.familyName name.givenName userName active
//!   create User uid=tanaka,ou=people,dc=example,dc=jp displayName externalId name.familyName name.givenName userName active
//! warning: everything is read: nothing was read before
//! $ sekisho sync run idp
//! Differential check starting
//! Data=IDP Object=User Total=2 Add=2(2 succeeded) Modify=0(0 succeeded) Delete=0(0 succeeded) Error/Skip=0
//! warning: everything is read: nothing was read before
//! Differential check finished
//! ```
//!
//! Of warnings, and of problems of one kind, 50 are printed and the number of the others. Moments in sentences, and those of
//! `status`, are in the time zone of `[log]`, as the schedules are, with its distance from UTC.
//!
//! Standard output has this; standard error has the log, and there, once, why a command did not come to its end. Ctrl-C ends
//! a run in order, as `interrupted`: what is in flight is answered, the rest waits for the next run, which carries it out
//! first and counts it; before anything was sent it ends at once. One process at a time synchronises a target, on whichever
//! node: another one is told so. After a process was killed that lasts up to a minute; the next run notes that one as `cut
//! off`.
//!
//! `sekisho check` asks each target as well: whether it answers, what it has, and when its token ends. Of the names that are
//! written in `[sync.conventions]` it warns, as `sync check` and `sync plan` do, when no directory has them; defaults that
//! are not there are none, and groups that select are told of by each run.
//!
//! ## Schedules
//!
//! `schedule` and `full_schedule` are kept by `sekisho serve`; without them nothing runs by itself. Each is a length of time
//! from 10 s on (`"40s"`, `"1h"`), counted from the beginning of the last run, or five fields of a crontab in the time zone of
//! `[log]`. What was missed while nothing ran is made up for once, at the start, and what was due during a pause after it. A
//! full run is one of changes, too, and comes a day after the last one where `schedule` alone is written: only it sees what
//! was changed at the target and accounts whose time ended. A run that could not be made is tried again after a minute; where
//! the target has lost objects, which full runs alone see, those of changes go on meanwhile. Of several nodes with one
//! database one runs; the others see that, say so, and look every 30 seconds whether what is due was made there.
//!
//! With `watch = true` the directories are listened to, by a lasting search of the service account (refreshAndPersist of RFC
//! 4533 at OpenLDAP with syncprov; change notifications of Active Directory): a run of changes begins when something
//! changed, at most every 5 seconds (10 after one that found nothing), and `schedule` can be an hour. It only says that
//! there is news. What changed is asked as at any other time, so that nothing is lost while nobody listens; every 10
//! minutes, and after a fault, the search is begun anew. Deletions in an Active Directory are heard by an account that
//! sees deleted objects, see [operations](super::operations); with another one they wait for the schedule. A directory
//! that cannot be heard is told in the log, once, and its changes wait for the schedule.
//!
//! ## The words of the log
//!
//! The words are those of the ancestor, so that what greps for them goes on working. With `[log] format = "json"` each
//! line is JSON with `sync.target`, and where it applies `sync.run` (that planned it), `object` (type and id), `code` and
//! `remedy` as fields; that of a write has `target_id`, `attempts`, `duration_ms` of the last one, and as `before` and `after`
//! hashes of what is known of the object at the target: where `before` is the `after` of an earlier line, nothing was known to
//! change in between.
//!
//! | line | when |
//! |---|---|
//! | `Differential check starting` | a run begins |
//! | `Differential check finished` | it has ended, well or not |
//! | `Data=IDP Object=<type> Total=<n> Add=<n>(<n> succeeded) Modify=<n>(<n> succeeded) Delete=<n>(<n> succeeded) Error/Skip=<n>` | for each type; Total counts what was looked at, in a run of changes these; the others count operations: what is taken over, activated or deactivated, and members and managers, which are an operation of their own, are Modify; Error/Skip is what failed, was held back or cannot be carried. `check` has the numbers of the run that would follow, without what earlier runs left, of which it warns |
//! | `type=<kind> dn=<dn> result=<code> <path>:<value>` | one line for each write, `add`, `modify` or `delete`; values stand after `+` (added), `-` (removed), `=` (replaced), those of passwords are `***` |
//! | `Adding <dn> failed: <detail>` | a creation was refused; behind `failed: ` stands `retry="<n>". ` when it was tried again before |
//! | `Modifying <dn> failed: <detail>` | a change or deactivation |
//! | `Deleting <dn> failed: <detail>` | a deletion |
//! | `Can't connect <directory>` | the directory does not answer |
//! | `Binding by <dn> failed: <detail>` | the directory, or an LDAP target, refuses `bind_dn`; or a service `the token`: at the beginning of a run, while it is read, or in the middle |
//! | `Searching by <filter> at <base> failed: <detail>` | the directory refuses a reading |
//! | `Searching in IDP failed(<code>)` | a list or a search at the target failed, or is forbidden (403) |
//! | `Synchronizing <data> failed(<code>)` | the run of a target did not come to its end; or a type is carried that the target does not have |
//!
//! ## Codes
//!
//! Result codes are LDAP's (RFC 4511). What a service answers by SCIM becomes one of them:
//!
//! | code | when | what helps |
//! |---|---|---|
//! | 19 | 400 invalidValue, mutability or tooMany; 413, 422 | the target does not take a value; correct it in the directory, or the rule for it in [[sync.map]] |
//! | 21 | 400 of another kind, such as invalidPath, invalidSyntax, noTarget | the target does not know an attribute, or not in this form; correct path or source of its rule in [[sync.map]] |
//! | 32 | 404 or 410 for an object; a base that a directory does not have; nobody has the login name of `--user` | the object is no longer at the target; the next run looks for it, or makes it anew |
//! | 49 | the directory does not take the password of `bind_dn` | the directory refuses the account; check its bind_dn and bind_password |
//! | 50 | 401, 403 | the target refuses the credentials or the right; renew the token with `sekisho sync token set`, or have it given the right there |
//! | 51 | 412, 429 or 503 at all tries | the target was too busy; it is tried again by itself |
//! | 53 | 404, 405 or 501 for a type, or the service does not name it; a hook that did not agree; a target that is paused or forgetful | the target does not take objects of this type, or the service is not enabled there; take the type out of objects |
//! | 65 | 400 that says that something is required or missing | a value that the target requires is missing; fill it in the directory, or give its rule a default |
//! | 66 | 400 or 409 to a deletion | there is still something below the object at the target; move or delete that first |
//! | 68 | 409, or 400 uniqueness; several objects, or that of somebody else, stand in the way | the target has another object with this name, or one that was deleted within five days; rename one, or wait |
//! | 80 | 500, 502, 504; an answer that cannot be read; all else | look at the target's answer; the next run tries again |
//! | 81 | no connection to the directory or to the target | no connection; check url (of a directory: urls), and that a firewall lets this machine through |
//!
//! Where the words of a fault say more than its code, the remedy is for them: that a hook did not agree (53), that a group
//! names somebody who was not made (32; the line has the DN and why), that an LDAP target lacks the entry that `base` of a
//! type names (32), or refuses by its own rules (53), rights (50) or object classes (65); that a service deletes nobody (53),
//! where `deactivation = "deactivate-only"` helps.
//!
//! ## When something is held back
//!
//! ```text
//! Data=IDP Object=User Total=60 Add=0(0 succeeded) Modify=0(0 succeeded) Delete=0(0 succeeded) Error/Skip=70
//! held back: 70 of 130 objects of User would be deactivated, the limit is 50; when that is as it should be: sekisho sync allow 6 idp
//! ```
//!
//! Look at the list, with `sekisho sync plan idp --full --out FILE` at the whole of it. If it is right, `sekisho sync allow 6
//! idp` releases these operations and no others; if more has come since, that is another run with a number of its own. If it
//! is not right, mend the directory, the filter or the scope: the next run plans anew, and what is no longer wanted is
//! dropped. Nobody needs to release anything for that. What a later run finds the same stays with the number that it has. If
//! it is right every week, raise `[sync.limits.TYPE]`: that is for what comes, and what waits already is still to be allowed.
//!
//! Administrators are told by mail (`mail_to`, `[mail]`) and by a POST of JSON to `webhook` with `target`, `causes` and `text`:
//! of what is held back, of a run that stopped or failed, and of a token that ends within 30 days. They are told by runs of
//! the schedule, and once for each cause as long as it lasts and the server runs.
//!
//! ## A new token
//!
//! Services end the old token when a new one is made. So:
//!
//! ```text
//! sekisho sync pause idp            # nothing is sent with the old one
//! sekisho sync token set idp        # paste the new one
//! sekisho sync test idp
//! sekisho sync resume idp --full    # and carry everything
//! ```
//!
//! Each run reads `token_file` anew: the server needs no restart. Write the day on which it ends into `token_expires`:
//! from 30 days before on, notices and `sekisho check` speak of it. Where a preset has a token warning in the table of [presets](super::presets),
//! `sekisho check` also warns when the file of the token is as old.
//!
//! ## Hooks
//!
//! `hook_before` and `hook_after` are programs with their arguments, started without a shell and with an environment of `PATH`
//! and `LANG` alone. Each reads one JSON object from its standard input:
//!
//! ```json
//! {"when":"before","target":"idp","action":"create","object":"user","id":"6886b64a-7ba3-1041-8209-a9f5f090a466","dn":"uid=tanaka,ou=people,dc=example,dc=jp","target_id":null,"changes":[{"set":{"path":"userName","value":"tanaka@example.jp"}}],"result":null}
//! ```
//!
//! `hook_before` is asked before each operation, once in a run. Unless it ends with 0 within `hook_timeout` (10 s), nothing is sent: the
//! operation failed with code 53, counts under Error/Skip, and is tried again as all that fails. The line names the hook, its exit
//! code and the first line of what it wrote to standard error, or that it exceeded its time.
//! `hook_after` is told of what was done, or was refused, with the code as `result`; if it fails that is a warning of the log.
//! As many run at once as requests (`in_flight`). Random passwords are not in it.
//!
//! ## Several nodes, and backup
//!
//! With a PostgreSQL store the nodes share what is kept, and a target is synchronised by one of them at a time; who loses its
//! place stops, and writes nothing more. The others, and `status`, are told who has it, as machine, process id and a random part
//! (`sso1:4711:K4SB2R5QXM7WZP3D`); when that node dies, its place is free a minute after
//! it last said that it lives. With SQLite it is in `sekisho-sync.db` beside `sekisho.db`; [operations](super::operations)
//! tells how it is copied. Without it the next run is a first one: it finds everybody at the target by the ids and names that
//! the preset names, and takes them over. What is forgotten is who was gone and waits for the deletion.
//!
//! ## What is not there
//!
//! * Sekisho as a SCIM service that others write to; passwords carried to a service.
//! * A schedule unless one is written; the ancestor's differential check is `sekisho sync check`, from cron if you like.
