//! What an attacker may try with SAML documents, passwords and accounts that are carried, how it is refused, and which test holds it.
//!
//! Errors are variants of [`Violation`], [`SignatureError`], [`KeyRejected`], [`MessageError`], [`BindingError`] and
//! [`ReceivedError`]; causes of refusal are variants of [`Rejection`]. Tests are below `tests/it/saml`, but for those of
//! metadata (`registry`), passwords (below `tests/it/directory` and `tests/it/password`; `authn::tests` beside the code),
//! logout (`logout`), artifacts, enhanced clients and tickets (`integrated`; below `tests/it/sso`), and synchronisation
//! (below `tests/it/sync` and `tests/it/config`, or beside the code); a test there reads this page and fails when a line
//! names a test that does not exist, or when a hostile test has no line. Unsigned fixtures are in `tests/data/hostile`,
//! written by `make.py` there; signed ones are made in each run by `hostile/forge.rs`, because their keys are new in each
//! run.
//!
//! # Documents
//!
//! | attack | error | test |
//! |---|---|---|
//! | DOCTYPE, entity bombs, external and parameter entities | `Doctype` | `hostile::documents::hostile_xml_is_refused` |
//! | processing instructions and style sheets | `ProcessingInstruction` | `hostile::documents::hostile_xml_is_refused` |
//! | UTF-16, UTF-7, Latin-1, overlong UTF-8, surrogates, XML 1.1 | `NotUtf8`, `Declaration` | `hostile::documents::hostile_xml_is_refused` |
//! | NUL and control characters, raw or by reference | `Character`, `Entity` | `hostile::documents::hostile_xml_is_refused` |
//! | a second root, text or a NUL after the root | `SecondRoot`, `TextOutsideRoot`, `Character` | `hostile::documents::hostile_xml_is_refused` |
//! | size, depth, number of elements, attributes, namespaces | `TooLarge`, `Depth`, `Elements`, `Attributes`, `Namespaces`, `NamespacesInForce`, `LongNamespace` | `hostile::documents::hostile_xml_is_refused` |
//! | relative, rebound and undeclared namespaces | `RelativeNamespace`, `ReservedPrefix`, `UndeclaredPrefix` | `hostile::documents::hostile_xml_is_refused` |
//! | the same attribute twice, also by two prefixes | `DuplicateAttribute` | `hostile::documents::hostile_xml_is_refused` |
//! | markup that is not well-formed | `Malformed`, `Truncated` | `hostile::documents::hostile_xml_is_refused` |
//! | a message of another kind, version or namespace | `Root`, `Version` | `hostile::documents::hostile_messages_are_refused` |
//! | an ID that is missing, too long or of other characters | `Id` | `hostile::documents::hostile_messages_are_refused` |
//! | an IssueInstant that is no xs:dateTime | `IssueInstant` | `hostile::documents::hostile_messages_are_refused` |
//! | no Issuer, two, or one that is no entityID | `NoIssuer`, `SecondIssuer`, `Issuer` | `hostile::documents::hostile_messages_are_refused` |
//! | elements twice, values out of range | `Twice`, `Value`, `Comparison` | `hostile::documents::hostile_messages_are_refused` |
//! | a Subject with a confirmation of the sender's choice | `SubjectConfirmation` | `hostile::documents::hostile_messages_are_refused` |
//! | a Subject that cannot be read, so that anybody would do | `Subject` | `hostile::documents::hostile_messages_are_refused` |
//! | a comment or CDATA section that cuts the Issuer | none: the text is read whole | `hostile::documents::the_issuer_is_read_whole` |
//! | XInclude | `Issuer`: an element, and nothing is fetched | `hostile::documents::an_xinclude_is_not_followed` |
//!
//! # Wrapping (XSW) of requests
//!
//! | attack | error | test |
//! |---|---|---|
//! | (the genuine request, so that the others prove something) | none | `hostile::wrapping::the_genuine_request_is_accepted` |
//! | XSW 1: genuine request inside the signature | `Shape` | `hostile::wrapping::xsw1_the_genuine_request_inside_the_signature_of_the_forged_one` |
//! | XSW 2: genuine request beside its detached signature | `Reference` | `hostile::wrapping::xsw2_the_genuine_request_beside_its_signature_in_the_forged_one` |
//! | XSW 3: genuine request whole inside a forged root | `Misplaced` | `hostile::wrapping::xsw3_the_whole_genuine_request_as_a_child_of_the_forged_one` |
//! | XSW 4: forged request inside the genuine one | `Digest` | `hostile::wrapping::xsw4_the_forged_request_inside_the_genuine_one` |
//! | XSW 5: both with one ID | `AmbiguousId` | `hostile::wrapping::xsw5_both_with_one_id` |
//! | XSW 6: the same inside the signature | `AmbiguousId` | `hostile::wrapping::xsw6_both_with_one_id_the_genuine_one_inside_the_signature` |
//! | XSW 7: genuine request in Extensions | `AmbiguousId`, `Reference`, `Misplaced` | `hostile::wrapping::xsw7_the_genuine_request_in_extensions` |
//! | XSW 8: genuine request in a ds:Object | `Shape`, `AmbiguousId` | `hostile::wrapping::xsw8_the_genuine_request_in_an_object` |
//! | a decoy `Id`, `id` or `xml:id` of the same value | `AmbiguousId` | `hostile::wrapping::a_second_id_of_another_spelling` |
//! | a root without ID | `AmbiguousId` | `hostile::wrapping::no_id_at_the_root` |
//! | a second signature, anywhere | `Misplaced` | `hostile::wrapping::a_second_signature` |
//! | the signature in Extensions, Subject or elsewhere | `Misplaced` | `hostile::wrapping::a_signature_that_is_no_child_of_the_root` |
//! | a Signature of another namespace; none at all | `Missing` | `hostile::wrapping::a_signature_of_another_namespace_is_none` |
//! | any change to what is signed | `Digest` | `hostile::wrapping::what_is_signed_cannot_be_changed` |
//!
//! # Signatures
//!
//! | attack | error | test |
//! |---|---|---|
//! | Reference to "", to an http or file URL, to another ID, by XPointer | `Reference` | `hostile::signature::the_reference_names_the_root_and_nothing_else` |
//! | two References, or none | `Shape` | `hostile::signature::one_reference` |
//! | XSLT, XPath, base64, inclusive c14n, c14n with comments | `Transform` | `hostile::signature::no_transform_but_enveloped_signature_and_exclusive_c14n` |
//! | transforms missing, repeated or in another order | `Shape` | `hostile::signature::the_transforms_are_two_in_their_order` |
//! | a program inside a known transform | `Shape`, `Transform` | `hostile::signature::transforms_take_no_program` |
//! | SignedInfo canonicalised in another way | `Transform` | `hostile::signature::signed_info_is_canonicalised_exclusively_without_comments` |
//! | a PrefixList that costs time | `Shape` | `hostile::signature::a_prefix_list_has_bounds` |
//! | comments, CDATA or elements in DigestValue or SignatureValue (CVE-2025-29775) | `Shape` | `hostile::signature::values_are_nothing_but_text` |
//! | two SignedInfo (CVE-2025-29774), two DigestValue, a ds:Object (CVE-2024-45409) | `Shape` | `hostile::signature::one_signed_info_and_no_object` |
//! | MD5, RIPEMD, DSA, HMAC, none | `Algorithm` | `hostile::signature::algorithms_that_are_none` |
//! | HMAC with the public key as secret | `Algorithm` | `hostile::signature::hmac_with_the_public_key_as_secret` |
//! | SHA-1 without the switch, as signature or digest | `Algorithm` | `hostile::signature::sha_1_only_by_the_switch` |
//! | an algorithm of `saml.denied_algorithms`, as signature or digest | `Algorithm` | `hostile::signature::an_algorithm_that_is_denied` |
//! | RSA under 2048 bits, other curves | `WeakRsa`, `Curve` | `hostile::signature::weak_keys_are_never_registered` |
//! | the attacker's certificate in KeyInfo | `NoKey` | `hostile::signature::the_certificate_in_the_message_is_not_believed` |
//! | a key that nobody registered | `NoKey`, which names the keys that were tried | `hostile::signature::the_error_names_the_keys_that_were_tried` |
//! | RSA taken for ECDSA and the other way round | `NoKey` | `hostile::signature::a_key_of_another_kind_does_not_verify` |
//! | ECDSA with r = s = 0, as DER, or cut | `NoKey` | `hostile::signature::ecdsa_signatures_of_another_form` |
//! | a relative namespace in what is signed | `RelativeNamespace` | `hostile::signature::a_relative_namespace_has_no_canonical_form` |
//! | one character changed anywhere, at random | as xmlsec1 and bergshamra judge, or stricter | `requests::we_are_never_laxer_than_xmlsec1_and_bergshamra` |
//!
//! # Encryption
//!
//! What is encrypted to us is read only out of a request whose signature has been verified
//! (`MessageError::EncryptedUnsigned`), and there is one error, `NotDecrypted`, so that nobody learns why.
//!
//! | attack | error | test |
//! |---|---|---|
//! | changed ciphertexts, vectors, tags and keys; CBC, Triple DES, rsa-1_5, OAEPparams; keys and contents by reference, too many, too few; a key that is not ours | `NotDecrypted` | `hostile::encryption::every_failure_to_decrypt_is_the_same_error` |
//! | content under the key that stands in for one that could not be unwrapped | `NotDecrypted` | `hostile::encryption::nothing_opens_under_the_key_that_stands_in` |
//! | entity bombs, other elements and nonsense as plaintext | `NotDecrypted` | `hostile::encryption::a_plaintext_that_is_no_name_id_is_the_same_error` |
//! | an oversized ciphertext | `TooLarge` | `hostile::encryption::an_oversized_ciphertext_is_no_message` |
//!
//! # Bindings
//!
//! | attack | error | test |
//! |---|---|---|
//! | (genuine queries in every encoding) | none | `hostile::redirect::genuine_queries_verify_however_they_are_encoded` |
//! | another order, strange parameters | none: they are not what is signed | `hostile::redirect::another_order_and_strange_parameters_change_nothing` |
//! | octets encoded anew, RelayState changed, appended or taken away | `NoKey` | `hostile::redirect::octets_that_were_not_signed_do_not_verify` |
//! | SHA-1, MD5, HMAC, none as SigAlg | `Algorithm` | `hostile::redirect::algorithms_that_are_none` |
//! | Signature without SigAlg and the other way round | `HalfSigned` | `hostile::redirect::half_a_signature_is_none` |
//! | parameters twice, request and response together | `Duplicate`, `RequestAndResponse`, `NotARequest` | `hostile::redirect::duplicates_and_mixtures_are_refused` |
//! | deflate bomb, oversized form | `TooLarge` | `hostile::redirect::bombs_do_not_inflate` |
//! | RelayState with control characters, of other encoding, too long | `RelayState` | `hostile::redirect::relay_states_that_would_not_come_back` |
//!
//! # Responses (the built-in service provider)
//!
//! | attack | error | test |
//! |---|---|---|
//! | XSW 1 | `AmbiguousId`, `Shape` | `hostile::response::xsw1_the_response_inside_its_signature` |
//! | XSW 2 | `Reference` | `hostile::response::xsw2_the_response_beside_its_signature` |
//! | XSW 3 | `Assertions` | `hostile::response::xsw3_the_forged_assertion_before_the_genuine_one` |
//! | XSW 4 | `Misplaced` | `hostile::response::xsw4_the_genuine_assertion_inside_the_forged_one` |
//! | XSW 5 | `Assertions`, `Reference`, `Digest` | `hostile::response::xsw5_the_signature_in_the_forged_assertion` |
//! | XSW 6 | `Shape`, `AmbiguousId` | `hostile::response::xsw6_the_genuine_assertion_inside_the_signature` |
//! | XSW 7 | `Unsigned` | `hostile::response::xsw7_the_genuine_assertion_in_extensions` |
//! | XSW 8 | `Shape` | `hostile::response::xsw8_the_genuine_assertion_in_an_object` |
//! | no signature, two, another document | `Unsigned`, `Misplaced`, `Root` | `hostile::response::an_unsigned_response_is_not_believed` |
//! | a comment inside the NameID (VU#475445) | none: the name is read whole | `hostile::response::a_comment_does_not_cut_a_name` |
//!
//! # Logout
//!
//! | attack | answer | test |
//! |---|---|---|
//! | a LogoutRequest that nobody signed, by which any page could sign a person out | our own question, and nothing more | `logout::hostile::an_unsigned_request_leads_to_our_own_question_and_no_further` |
//! | one of another key, for another address, too old, from the future, past its NotOnOrAfter, from nobody, with a comment in its Issuer, naming nobody, by POST without a Destination | `Signature`, `Destination`, `Stale`, `Future`, `Over`, `UnknownServiceProvider`, `Principal`, `NoDestination` | `logout::hostile::messages_that_do_not_stand_are_refused` |
//! | one that came before, also before a restart | `Replayed` | `logout::hostile::a_request_comes_once` |
//! | one for another person, format or name space, or with a name that a comment cuts | UnknownPrincipal; the session stays | `logout::hostile::a_request_for_somebody_else_ends_nothing_and_says_so` |
//! | a comment that is put into the name of a signed request | none: the name is read whole | `logout::hostile::a_comment_in_a_signed_name_does_not_cut_it` |
//! | an SP that names a person as another SP knows them | nobody is meant | `logout::hostile::the_person_of_another_sp_is_not_ones_own` |
//! | a request in the browser of another person, whose sessions would end at the other SPs | told by SOAP alone | `logout::sessions::the_browser_of_another_person_is_sent_nowhere_else` |
//! | a LogoutRequest that an SP sends itself, to learn from ours to the other SPs how those know the person | the session ends, PartialLogout; who has no SOAP endpoint is told nothing | `logout::hostile::a_request_from_elsewhere_tells_nobody_how_others_know_the_person` |
//! | a LogoutResponse that an SP sends itself, to the same end | it counts; only the browser with the cookie goes on | `logout::hostile::an_answer_from_elsewhere_counts_and_leads_nowhere` |
//! | the ID of a LogoutRequest, which is made of the name of the logout, as the cookie | the cookie holds a secret, of which the name is a digest | `logout::hostile::what_an_sp_is_told_opens_nobodys_logout` |
//! | a page with pictures of `/logout` and `/logout/next`, to leave SPs out of a logout | `SK-ORIGIN` where the browser says what it loads | `logout::hostile::a_picture_of_another_page_steps_through_nothing` |
//! | by SOAP: unsigned, changed, for another address, in an envelope with a header that must be understood, with a DOCTYPE | a fault with a code and an id | `logout::soap::what_is_not_a_signed_request_is_a_fault_and_ends_nothing` |
//! | a LogoutResponse to nothing, or by an SP that was not asked | `Unasked` | `logout::answers::an_answer_to_nothing_is_refused` |
//! | a LogoutResponse that is unsigned, forged or no message, so that a person believes to be signed out | the page says that it was not confirmed; but by SOAP, where the connection is ours, an unsigned one counts | `logout::answers::whatever_one_answers_the_next_is_told` |
//!
//! # Sign-in by password
//!
//! | attack | answer | test |
//! |---|---|---|
//! | wrong passwords until Windows locks the account | `near_lockout`: not tried | `directory::active_directory::wrong_passwords_never_lock_anybody_out_of_windows` |
//! | the last of them here, after others at Windows, also at once | `near_lockout` | `directory::active_directory::wrong_passwords_at_windows_count_here` |
//! | the same where a fine-grained policy locks earlier | `near_lockout` | `directory::active_directory::a_fine_grained_policy_is_the_one_that_counts` |
//! | the same at OpenLDAP | `near_lockout` | `directory::active_directory::wrong_passwords_never_lock_anybody_out_of_openldap` |
//! | one password for many accounts from inside an office, whose address knows them | a turn every two seconds | `authn::tests::throttle::an_address_that_tries_very_many_accounts_is_slowed_for_those_whom_it_knows_too` |
//! | an empty password, a success for some servers (RFC 4513 5.1.2) | `WrongPassword`; nothing is sent | `directory::faults::passwords_that_prove_nothing_are_never_sent` |
//! | names with `*`, brackets, commas | nobody | `directory::conformance::samba_by_ldaps` |
//! | a directory that sends us to another server with the password | `Refused` | `directory::faults::nobody_is_sent_to_another_server` |
//! | a list of groups that is cut, so that a policy is judged by a part | read whole, or `Refused` | `directory::faults::an_attribute_that_comes_in_parts_is_read_whole` |
//!
//! # Artifacts and enhanced clients
//!
//! | attack | answer | test |
//! |---|---|---|
//! | an artifact that another SP or a stranger fetches, or that is fetched for another address | `Signature`, `Destination`; an empty ArtifactResponse | `artifact::nobody_fetches_without_proof_of_who_they_are` |
//! | an artifact of another SP, which must not be used up either, or one that is over | an empty ArtifactResponse | `artifact::it_waits_for_its_sp_alone_for_a_minute_and_over_a_restart` |
//! | an artifact that is fetched twice | an empty ArtifactResponse | `artifact::the_sp_fetches_the_response_once` |
//! | passwords tried by HTTP Basic | the throttle of the sign-in page | `ecp::without_the_right_password_there_is_a_challenge` |
//! | an SP that is not open to clients, or a request that does not stand | a fault before any password is tried | `ecp::it_is_off_unless_the_policy_says_so_and_no_password_is_tried` |
//! | a client that asks for the endpoint of browsers | `Acs` | `ecp::what_does_not_stand_is_a_fault_before_any_password` |
//!
//! # Integrated Windows authentication
//!
//! | attack | answer | test |
//! |---|---|---|
//! | the header of the proxy from elsewhere, without its secret or with a guess, with X-Forwarded-For | ignored: `Distrust`; the form | `integrated::header::a_header_of_anybody_else_is_ignored_and_the_log_says_so` |
//! | a second copy, `X_Remote_User` and other look-alikes that the proxy does not drop | `HeaderFault`, `SK-PROXY-HEADER` | `integrated::header::copies_and_look_alikes_are_refused` |
//! | the same through a real apache, and past it | what apache proved, or the form | `integrated::apache::nobody_brings_a_name_of_their_own_through_apache_or_past_it` |
//! | another realm's namesake, service principals, two names in one header | `unknown_realm`, `invalid_login`; the form | `integrated::header::a_name_of_nobody_here_comes_to_the_form_and_the_audit_trail_says_why` |
//! | a bare name that two directories have | `unknown_realm`; the form | `integrated::header::a_bare_name_is_refused_where_it_could_mean_two_directories` |
//! | the namesake in another domain of a global catalogue | `other_realm`; the form | `authn::tests::integrated::the_namesake_in_another_domain_of_the_directory_is_somebody_else` |
//! | a ticket that outlives its account | `disabled`, `locked`; the form | `integrated::apache::a_disabled_account_whose_ticket_lives_comes_to_the_form` |
//! | the same where OpenLDAP's or 389 Directory Server's administrator locked it | `disabled` | `directory::ldap::a_lock_of_an_administrator_is_seen_before_any_bind` |
//! | a token that comes again, also after a restart | `TicketFault::Refused`; the form | `integrated::spnego::a_token_comes_once_also_after_a_restart` |
//! | NTLM, bare or in SPNEGO, changed, cut and invented tokens | `TicketFault`; the form, and no second challenge | `integrated::spnego::whatever_is_no_ticket_comes_to_the_form_and_never_to_a_second_challenge` |
//! | a ticket for another service whose keys are in the same keytab | `TicketFault::Service`; the form | `integrated::spnego::a_ticket_for_another_service_of_the_machine_is_none` |
//! | a ticket instead of the person whom ForceAuthn wants | the form | `integrated::way::force_authn_wants_the_person_and_no_ticket` |
//! | a page that leads a person who signed out back in | the form and its button, which needs our own token | `integrated::way::after_a_sign_out_only_a_click_signs_in_by_ticket` |
//! | the next person's ticket in the browser of whoever signed in at the form | a click is needed | `integrated::way::whoever_signed_in_at_the_page_is_not_replaced_unasked` |
//!
//! # Passwords
//!
//! | attack | answer | test |
//! |---|---|---|
//! | the page for a new password as a place to guess old ones | the throttle of the sign-in page; a wrong old password is a wrong try | `password::pages::wrong_old_passwords_are_throttled_like_sign_ins` |
//! | the same to find out names | one page for all | `password::pages::names_that_nobody_has_look_like_wrong_passwords` |
//! | a form of another site, without token, or with a field twice | `SK-ORIGIN`, `SK-FORM-TOKEN`, `SK-FORM` | `password::pages::only_our_own_form_changes_a_password` |
//! | a stolen session | it cannot change the password without the old one, and ends with a change elsewhere | `password::pages::the_sessions_elsewhere_end_and_this_one_stays` |
//! | an empty, blank or NUL password, old or new | `WrongPassword`, `Unusable`; nothing is sent | `password::ldap::a_wrong_old_password_changes_nothing` |
//! | a directory that only poses as one | `UnprotectedChange`: no new password without verified TLS | `password::ldap::nothing_goes_out_without_verified_tls` |
//! | password API: guessing the caller's password, or which accounts are listed | one answer for both, then `SK-THROTTLED` | `password::api::a_wrong_caller_is_told_nothing_and_throttled` |
//! | password API: from elsewhere, over plain HTTP, with forged X-Forwarded headers | `SK-API-REFUSED`, unread | `password::api::another_network_or_a_way_without_tls_is_refused_unread` |
//! | password API: huge, deep, doubled, mistyped JSON; filters and DNs as names | `SK-API-PARAMETER`, `SK-TOO-LARGE` | `password::api::what_cannot_be_read_is_a_parameter_error` |
//! | password API: without a certificate, or with one of a strange CA of the same name | `SK-API-REFUSED`, or no TLS | `password::api::a_certificate_can_be_asked_for_as_well` |
//! | password API: a flood | `SK-THROTTLED` | `password::api::calls_are_limited_by_the_minute` |
//! | password API: the password of an administrator, a service account or a computer | `Privileged` | `password::api::on_active_directory_too` |
//! | password API: somebody outside the base | `Outside` | `password::api::only_people_below_the_base` |
//! | passwords in log or audit trail | none, at any level; what serde says of a fault is dropped | `password::api::the_log_has_the_words_that_administrators_know_and_no_password` |
//!
//! # Metadata
//!
//! | attack | answer | test |
//! |---|---|---|
//! | an affiliation that calls itself as another SP is called, to be given that one's persistent NameIDs | it is not used; and the names of an affiliation are made of another space | `registry::hostile::an_affiliation_cannot_take_the_name_of_a_service_provider` |
//! | a second affiliation of the same name with other members | neither is used: `Qualifier` | `registry::hostile::two_affiliations_of_one_name_are_none` |
//! | an affiliation of nobody, or without a name | `NoMember`, `EntityId` | `registry::hostile::each_hostile_file_has_its_own_error` |
//!
//! # Synchronisation
//!
//! | attack | answer | test |
//! |---|---|---|
//! | a directory that breaks off, so that half of the people look gone | nobody leaves | `sync::plan::tests::ladder::nobody_leaves_by_a_reading_that_was_not_whole` |
//! | one that is empty, or a filter that finds nobody | nobody leaves | `sync::plan::tests::ladder::nobody_leaves_by_an_empty_source` |
//! | the same for few, whom somebody then allows to leave | held back until that; dropped when they are there again | `sync::told::the_last_of_a_type_leave_when_it_is_allowed_and_not_before` |
//! | a great number of people taken out of it | held back until a person releases exactly these | `sync::run::too_much_at_once_waits_until_it_is_allowed` |
//! | the list growing after somebody allowed it | only the list of the run that was named is released | `sync::apply::tests::ways::what_is_allowed_is_the_list_of_one_run` |
//! | a value of the directory with line breaks, to forge lines of the log | blanks | `sync::words::a_write_is_one_line_with_its_values` |
//! | one with quotation marks, to widen a SCIM filter | escaped | `scim::filter::filters_are_written_with_escapes` |
//! | one with commands, before a hook | no shell: the hook reads JSON | `sync::hooks::a_hook_reads_the_operation_and_nothing_is_expanded` |
//! | a hook that hangs | ended after its time | `sync::hooks::a_hook_that_does_not_end_is_ended` |
//! | an operation past a hook that does not agree | not sent: code 53 | `sync::apply::tests::ways::hooks_are_asked_before_and_told_after` |
//! | groups in a circle | one of them has no parent | `sync::structure::tests::a_circle_of_parents_is_cut_at_the_smallest_id` |
//! | a target that answers with very much | `Unknown`, not read on | `sync::scim_target::an_answer_larger_than_is_read_is_none` |
//! | with very deep JSON | refused | `scim::json::a_document_has_bounds` |
//! | with a redirect to another host, to get the token | not followed | `sync::scim_target::answers_that_say_no_become_faults` |
//! | with a certificate of nobody known | nothing is sent | `sync::scim_target::a_certificate_of_nobody_known_is_not_spoken_to` |
//! | with half a list, so that the rest looks gone | an error | `sync::scim_target::a_list_that_is_not_whole_is_an_error` |
//! | with everybody where one was asked for, so that a stranger is taken over | nobody is found | `sync::scim_target::a_service_that_does_not_filter_finds_nobody` |
//! | with another source's object | a conflict, 68 | `sync::apply::tests::ways::what_stands_in_the_way_is_linked_taken_over_or_a_conflict` |
//! | with the token or a password in its refusal, so that the log has it | `[secret]` | `sync::scim_target::secrets_are_in_no_fault` |
//! | with results of bulk requests that nobody asked for, or two for one change | `Unknown`: looked for, not believed | `scim::bulk::what_is_not_said_once_and_clearly_is_not_known` |
//! | with one person's password in what it says of another, in bulk | `[secret]` | `sync::scim_target::bulk::tests::nobodys_password_is_told_with_another` |
//! | a value of the directory that is a reference in a bulk request | such a change goes by itself | `sync::scim_target::bulk::tests::what_would_mean_something_else_goes_by_itself` |
//! | a target that has forgotten everybody | `Forgetful`: nothing is sent | `sync::hostile::a_target_that_forgot_is_not_filled_anew` |
//! | one that refuses the token, asked again and again | the run ends after one question | `sync::apply::tests::ways::refused_credentials_end_it_after_one_question` |
//! | the random password of a new account, in log or state | in neither | `sync::apply::tests::ways::a_password_is_made_when_it_is_sent_and_nobody_else_sees_it` |
//! | the token over `http://`, two tokens, half an account | a fault of the configuration | `config::sync::a_target_that_could_not_work_is_refused` |
//! | a token that others of the machine can read | a warning, and no run uses it | `config::sync::a_token_of_no_use_is_a_warning_and_one_to_come_is_none` |
//! | an old plan, of another target or carried out twice | `Stale`, `Target` | `sync::run::a_plan_is_reviewed_and_carried_out_only_if_it_still_fits` |
//! | a mass deletion in the directory, in many small runs | held back as one | `sync::taken_away::many_small_runs_are_held_back_as_one_large_one` |
//! | the same, until the day of the gate is over or a limit is raised | waits until it is allowed | `sync::taken_away::what_was_held_back_waits_though_it_would_pass_by_now` |
//! | another directory under the old name, read again and again | held back until a person releases it | `sync::taken_away::another_directory_takes_nobody_away_however_often_it_is_read` |
//! | the group that selects, renamed or hidden | nothing is done | `sync::taken_away::a_group_that_selects_and_is_not_there_takes_nobody_away` |
//! | metrics, and who is not ready, on the public address | 404, one word | `operations::admin::events_are_counted_where_only_administrators_ask` |
//! | a second process that synchronises the same target | it writes nothing | `sync::apply::tests::ways::who_lost_the_lease_stops` |
//! | entries of a target directory outside its bases | not touched | `sync::ldap_target::faults::what_is_elsewhere_is_not_touched` |
//!
//! A plan file is not signed: what is in it is carried out, within the gate, by whoever may run `sekisho sync apply`, who
//! could as well change `sekisho.toml`. It is readable by its owner alone; look at it where you carry it out.
//!
//! # What we write
//!
//! | attack | answer | test |
//! |---|---|---|
//! | markup in a directory's value | it stays a value | `written::values_come_back_to_the_octet` |
//! | a NameID that XML cannot hold | `SignError` | `written::a_name_id_that_xml_cannot_hold_is_not_written` |
//! | other characters that XML cannot hold | U+FFFD | `written::characters_outside_xml_do_not_make_the_message_unreadable` |
//!
//! [`Violation`]: crate::saml::xml::reader::Violation
//! [`SignatureError`]: crate::saml::signature::SignatureError
//! [`KeyRejected`]: crate::saml::signature::KeyRejected
//! [`MessageError`]: crate::saml::error::MessageError
//! [`BindingError`]: crate::saml::binding::BindingError
//! [`Rejection`]: crate::sso::outcome::Rejection
//! [`ReceivedError`]: crate::saml::received::ReceivedError
