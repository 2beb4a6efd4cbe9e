//! # Conformance
//!
//! What three profiles ask of an identity provider, and the test that shows it, as `folder::file::name` below `tests`
//! (`it` left out, `interop` written). A test reads this page and fails when a line names a test that does not exist.
//! What is not done is a deviation and says why.
//!
//! # OASIS SAML 2.0, mode "IdP Lite"
//!
//! The rows of the feature matrix of "Conformance Requirements for SAML V2.0" (saml-conformance-2.0-os, 3) that the mode
//! makes mandatory, and SOAP logout, which it leaves open.
//!
//! | feature | what it means here | shown by |
//! |---|---|---|
//! | Web SSO, AuthnRequest, HTTP redirect | requests by Redirect are answered | `sso::accept::every_binding_signed_or_not_leads_to_a_response` |
//! | Web SSO, Response, HTTP POST | the page that posts the Response | `sso::accept::the_page_posts_by_itself_and_by_a_button` |
//! | Web SSO, Response, HTTP artifact | an artifact instead of the Response | `sso::artifact::the_sp_fetches_the_response_once`, `interop::matrix::mellon` |
//! | Artifact Resolution, SOAP | the SP takes the Response by SOAP, once | `sso::artifact::it_waits_for_its_sp_alone_for_a_minute_and_over_a_restart`, `interop::matrix::shibboleth` |
//! | Enhanced Client/Proxy SSO, PAOS | a client without browser, with HTTP Basic | `sso::ecp::a_client_gets_the_response_for_the_paos_endpoint`, `interop::matrix::shibboleth` |
//! | Single Logout (IdP-initiated), HTTP redirect | signing out here tells the SPs | `sso::logout::everywhere::eight_of_nine_are_signed_out_and_the_dead_one_is_named`, `interop::logout::nine_are_told_and_the_dead_one_is_named` |
//! | Single Logout (SP-initiated), HTTP redirect | an SP asks, the others are told, it gets the answer | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success`, `interop::matrix::simplesamlphp` |
//! | Single Logout, SOAP | the same by the back channel | `sso::logout::soap::a_request_by_soap_ends_the_session_and_is_answered_by_soap`, `interop::matrix::mellon` |
//! | Identity Provider Discovery (cookie) | a cookie of a domain common to SPs and identity provider | deviation: a company has one identity provider, and browsers keep such cookies from other sites |
//!
//! # Kantara, implementation profile for federation interoperability 1.1
//!
//! "SAML V2.0 Implementation Profile for Federation Interoperability", version 1.1 of 2019-12-18: the lines for all
//! implementations and for identity providers, in our words.
//!
//! | requirement | what it asks | shown by |
//! |---|---|---|
//! | IIP-G01 | clocks may differ by some minutes | `sso::refusals::the_time_of_a_request_has_bounds` |
//! | IIP-G02 | strings of up to 256 characters of any kind are taken whole | `saml::written::values_come_back_to_the_octet` |
//! | IIP-G03 | no DTD is sent, and one that comes is refused | `saml::hostile::documents::hostile_xml_is_refused` |
//! | IIP-MD01 | metadata of single entities by the Metadata Query Protocol | deviation: comes with the work on federations of thousands of SPs |
//! | IIP-MD02 | metadata fetched again and again by HTTP | deviation: comes with the same; until then a fetcher writes into the folder, which is watched (`registry::watch::dropped_changed_and_removed`) |
//! | IIP-MD03 | the signature of fetched metadata is verified by a key that is configured for that source | deviation: comes with fetching |
//! | IIP-MD04 | metadata without validUntil, past it, or with one too far off can be refused | `registry::service_providers::valid_until_is_a_finding_or_the_end` for what is past; deviation for the two others, which come with fetching |
//! | IIP-MD05 | metadata, its schema and its extensions for entity attributes, algorithms and pages; both roots | `registry::metadata::shibboleth_with_interleaved_elements_and_extensions`, `registry::metadata::an_aggregate_gives_its_service_providers_and_narrows_their_validity` |
//! | IIP-MD06 | metadata alone are enough to work with a peer | `interop::matrix::mellon` |
//! | IIP-MD07 | any number of signing keys, all tried | `sso::signatures::any_certificate_of_the_sp_will_do` |
//! | IIP-MD08 | any number of encryption keys | `registry::encryption::the_first_usable_key_with_the_algorithms_of_its_own_descriptor` |
//! | IIP-MD09 | the algorithms in force can be published | `sso::metadata::everything_that_is_configured_is_published_and_obeys_the_schemas` |
//! | IIP-MD10 | only algorithms that the peer declares are used for it | `sso::keys::the_algorithm_is_the_first_that_the_sp_takes_and_we_can`; where none can be met, the default signs and `check` says so, since the SP would otherwise be cut off |
//! | IIP-MD11 | a key without `use` is for both uses | `registry::metadata::shibboleth_with_interleaved_elements_and_extensions` |
//! | IIP-MD12 | certificates count for their key alone: self-signed, expired, of any signature | `registry::service_providers::weak_and_expired_keys` |
//! | IIP-SSO01 | the Web Browser SSO profile | `sso::accept::the_assertion_says_when_for_whom_and_for_how_long` |
//! | IIP-SSO02 | requests by Redirect and by POST | `sso::accept::every_binding_signed_or_not_leads_to_a_response` |
//! | IIP-SSO03 | Responses and errors by POST | `sso::accept::the_page_posts_by_itself_and_by_a_button`, `sso::conditions::is_passive_shows_no_page` |
//! | IIP-SSO04 | assertion, Response or both are signed | `sso::keys::every_part_is_signed_as_the_policy_says` |
//! | IIP-SSO05 | NameIDs persistent and transient | `sso::name_id::a_persistent_name_is_of_one_person_at_one_sp_for_good`, `sso::name_id::a_transient_name_is_of_one_session_at_one_sp` |
//! | IIP-SSO06 | what the profile puts into metadata is taken from there | `sso::acs::url_index_binding_or_default_choose_it`, `sso::signatures::metadata_and_our_own_switch_make_it_required` |
//! | IIP-SSO07 | content that is not supported is refused or ignored, as core says | `sso::conditions::the_subject_of_a_request_is_the_person_or_nobody` |
//! | IIP-EXT01 | extensions and strange attributes do no harm | `registry::metadata::shibboleth_with_interleaved_elements_and_extensions` |
//! | IIP-ALG01 | digest SHA-256 | `sso::keys::every_kind_of_key_signs` |
//! | IIP-ALG02 | RSA with SHA-256 | `sso::keys::every_kind_of_key_signs` |
//! | IIP-ALG03 | ECDSA with SHA-256 | `sso::keys::every_kind_of_key_signs`, `sso::accept::an_sp_with_an_elliptic_curve_signs_its_requests` |
//! | IIP-ALG04 | AES-128-GCM and AES-256-GCM | `saml::encryption::every_combination_is_read_by_every_judge_and_the_signatures_hold` |
//! | IIP-ALG05 | AES-CBC may be there, with a warning | `registry::encryption::weak_algorithms_and_cbc_are_told` |
//! | IIP-ALG06 | RSA-OAEP in both spellings, with SHA-1 and SHA-256 | `saml::encryption::every_combination_is_read_by_every_judge_and_the_signatures_hold` |
//! | IIP-ALG07 | TLS as current practice has it | `operations::tls::tls_is_1_2_or_newer` |
//! | IIP-ALG08 | algorithms can be denied, by a list that is configured | `sso::keys::what_is_denied_is_not_taken_either`, `saml::hostile::signature::an_algorithm_that_is_denied`; MD5 does not exist here (`saml::hostile::signature::algorithms_that_are_none`) |
//! | IIP-IDP01 | attributes of any Name and NameFormat | `sso::release::one_attribute_has_all_its_values_and_the_format_of_its_name` |
//! | IIP-IDP02 | release by the entityID of the SP | `sso::release::the_list_in_force_is_the_policys_then_the_metadatas_then_our_own` |
//! | IIP-IDP03 | release by entity attributes | `sso::asked::entity_categories_have_lists_of_their_own` |
//! | IIP-IDP04 | release by RequestedAttribute, isRequired and AttributeConsumingServiceIndex | `sso::asked::the_index_of_a_request_chooses_what_is_released`, `sso::asked::only_the_values_that_a_service_names_leave_and_what_it_requires_is_missed` |
//! | IIP-IDP05 | errors are told to the SP by a Response with the right status | `sso::conditions::a_requested_context_is_met_or_refused`, `sso::name_id::a_name_that_cannot_be_given_is_said_and_never_replaced` |
//! | IIP-IDP06 | ForceAuthn | `sso::conditions::force_authn_asks_the_same_person_again` |
//! | IIP-IDP07 | IsPassive | `sso::conditions::is_passive_shows_no_page` |
//! | IIP-IDP08 | RequestedAuthnContext, exact | `sso::conditions::a_requested_context_is_met_or_refused` |
//! | IIP-IDP09 | encrypted assertions | `sso::encryption::always_is_always_and_all_judges_can_read_it`, `interop::matrix::shibboleth` |
//! | IIP-IDP10 | NameIDPolicy | `sso::name_id::request_policy_and_metadata_choose_the_format_in_this_order` |
//! | IIP-IDP11 | assertions without NameID | `sso::identifiers::an_assertion_may_have_no_name` |
//! | IIP-IDP12 | ACS by URL, index and binding | `sso::acs::url_index_binding_or_default_choose_it`, `sso::acs::nothing_goes_to_a_place_that_is_not_registered` |
//! | IIP-IDP13 | ECP 2.0 with bearer confirmation and channel bindings | `sso::ecp::a_client_gets_the_response_for_the_paos_endpoint` for bearer; deviation: no channel bindings |
//! | IIP-IDP14 | HTTP Basic for ECP | `sso::ecp::without_the_right_password_there_is_a_challenge` |
//! | IIP-IDP15 | a generated key for ECP (SAML-EC 5.3.1) | deviation: for SASL and GSS-API clients, of which a company with SaaS has none |
//! | IIP-IDP16 | ECP taken from metadata | `sso::ecp::it_is_off_unless_the_policy_says_so_and_no_password_is_tried` |
//! | IIP-IDP17 | Single Logout, and its extension for asynchronous logout | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success`, `sso::logout::by_sp::an_sp_that_waits_for_no_answer_gets_none` |
//! | IIP-IDP18 | logout by Redirect | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success` |
//! | IIP-IDP19 | EncryptedID in logout requests, two decryption keys or more | `sso::encryption::an_encrypted_name_in_a_logout_request_is_opened` |
//! | IIP-IDP20 | logout taken from metadata | `sso::logout::everywhere::an_sp_without_logout_is_named`, `sso::logout::by_sp::by_post_the_answer_goes_to_the_response_location` |
//! | IIP-IDP21 | persistent NameIDs that differ by more than their case | `sso::name_id::a_persistent_name_is_of_one_person_at_one_sp_for_good` |
//!
//! # saml2int 2
//!
//! "SAML V2.0 Deployment Profile for Federation Interoperability": the common lines and those for identity providers, in
//! our words, as a deployment keeps them with `profile = "saml2int"` (what that sets:
//! [`Profile`](crate::registry::Profile)). The numbers of the lines for identity providers are those of the working
//! group's draft of 2018-11-19, where the draft and version 2.0 say the same.
//!
//! | requirement | what it asks | shown by |
//! |---|---|---|
//! | SDP-G01 | clocks may differ by three to five minutes | `sso::refusals::the_time_of_a_request_has_bounds` |
//! | SDP-G02 | values of at most 256 characters are sent | deviation: what the directory holds is sent whole; an AttributeLimit keeps longer values back |
//! | SDP-G03 | no DTD is sent | `saml::written::what_we_write_is_its_own_canonical_form` |
//! | SDP-G04 | an entityID is an absolute URI of at most 256 characters | `sso::profile::check_tells_what_the_profile_wants_of_the_identity_provider` |
//! | SDP-MD01 | behaviour follows from metadata alone | `interop::matrix::simplesamlphp` |
//! | SDP-MD02 | metadata are verified by signature or TLS | deviation: files of the folder are trusted as the administrator's own; fetched ones will be verified |
//! | SDP-MD03 | metadata without validUntil, or past it, are refused | `registry::service_providers::valid_until_is_a_finding_or_the_end` with `enforce_valid_until`; deviation: without validUntil a file of the folder is used |
//! | SDP-MD04 | own metadata can be given out, and promise nothing that is not there | `sso::metadata::metadata_names_what_works_and_nothing_else` |
//! | SDP-MD05 | keys are given as certificates | `sso::metadata::metadata_names_what_works_and_nothing_else` |
//! | SDP-MD06 | RSA of 2048 bits or more | `saml::hostile::signature::weak_keys_are_never_registered`, `operations::start::a_key_that_must_not_or_cannot_be_used_does_not_start` |
//! | SDP-MD07 | EC of 256 bits or more | `saml::hostile::signature::weak_keys_are_never_registered` |
//! | SDP-MD08 | a signing certificate in the metadata | `sso::metadata::metadata_names_what_works_and_nothing_else` |
//! | SDP-MD09 | UIInfo with name and logo | `sso::metadata::everything_that_is_configured_is_published_and_obeys_the_schemas`, `sso::profile::check_tells_what_the_profile_wants_of_the_identity_provider` |
//! | SDP-MD10 | the logo by https or data URI | `sso::profile::check_tells_what_the_profile_wants_of_the_identity_provider`; deviation: no data URIs |
//! | SDP-MD11 | a technical contact with its address | `sso::profile::check_tells_what_the_profile_wants_of_the_identity_provider` |
//! | SDP-MD12 | errorURL, an https page | `sso::profile::check_tells_what_the_profile_wants_of_the_identity_provider` |
//! | SDP-ALG01 | SHA-256, RSA or ECDSA; AES-GCM; RSA-OAEP | `sso::profile::the_profile_sets_defaults_that_other_keys_override`, `sso::keys::every_kind_of_key_signs`, `saml::encryption::every_combination_is_read_by_every_judge_and_the_signatures_hold` |
//! | SDP-IDP01 | the Web Browser SSO profile | `sso::accept::the_assertion_says_when_for_whom_and_for_how_long` |
//! | SDP-IDP02 | requests by Redirect | `sso::accept::every_binding_signed_or_not_leads_to_a_response` |
//! | SDP-IDP03 | requests over TLS | `operations::tls::tls_is_1_2_or_newer`, `sso::profile::check_tells_what_the_profile_wants_of_the_identity_provider` |
//! | SDP-IDP04 | unsigned requests are taken, but not where AuthnRequestsSigned is set | `sso::signatures::metadata_and_our_own_switch_make_it_required` |
//! | SDP-IDP05 | a signature that is there must verify | `sso::signatures::the_policy_says_when_a_signature_counts` |
//! | SDP-IDP06 | the ACS is compared with the metadata, else the default is taken | `sso::acs::nothing_goes_to_a_place_that_is_not_registered`, `sso::acs::url_index_binding_or_default_choose_it` |
//! | SDP-IDP07 | ForceAuthn is a challenge, and AuthnInstant is fresh | `sso::conditions::force_authn_asks_the_same_person_again` |
//! | SDP-IDP08 | Responses by POST | `sso::accept::the_page_posts_by_itself_and_by_a_button` |
//! | SDP-IDP09 | the Response is signed | `sso::keys::every_part_is_signed_as_the_policy_says` |
//! | SDP-IDP10 | one assertion with one AuthnStatement and at most one AttributeStatement | `sso::accept::the_assertion_says_when_for_whom_and_for_how_long` |
//! | SDP-IDP11 | the assertion is encrypted, and nothing inside it again | `sso::encryption::always_is_always_and_all_judges_can_read_it` |
//! | SDP-IDP12 | a transient NameID | `sso::profile::the_profile_sets_defaults_that_other_keys_override` |
//! | SDP-IDP13 | subject-id or pairwise-id | `sso::identifiers::subject_ids_go_to_those_who_ask_for_them` |
//! | SDP-IDP14 | their scope in the metadata, not as a pattern | `sso::metadata::everything_that_is_configured_is_published_and_obeys_the_schemas` |
//! | SDP-IDP15 | `subject-id:req` of the SP's metadata is obeyed | `sso::identifiers::subject_ids_go_to_those_who_ask_for_them` |
//! | SDP-IDP16 | what cannot be given is left out or refused | `sso::identifiers::a_subject_id_of_another_form_does_not_leave` |
//! | SDP-IDP17 | without that sign either may be given (optional) | `sso::identifiers::subject_ids_go_to_those_who_ask_for_them` |
//! | SDP-IDP18 | NameFormat `uri` | `sso::profile::the_profile_sets_defaults_that_other_keys_override` |
//! | SDP-IDP19 | values are plain text (recommended) | `saml::written::values_come_back_to_the_octet` |
//! | SDP-IDP20 | each value is an AttributeValue of its own | `sso::release::one_attribute_has_all_its_values_and_the_format_of_its_name` |
//! | SDP-IDP21 | Single Logout | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success` |
//! | SDP-IDP22 | a person may keep the session (optional) | `sso::logout::hostile::an_unsigned_request_leads_to_our_own_question_and_no_further` for unsigned requests; deviation: a signed one is obeyed without a question |
//! | SDP-IDP23 | other SPs are told (optional) | `sso::logout::everywhere::eight_of_nine_are_signed_out_and_the_dead_one_is_named` |
//! | SDP-IDP24 | LogoutRequests go out by Redirect | `sso::logout::everywhere::eight_of_nine_are_signed_out_and_the_dead_one_is_named` |
//! | SDP-IDP25 | LogoutRequests are taken by Redirect | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success` |
//! | SDP-IDP26 | LogoutRequests are signed | `sso::logout::everywhere::eight_of_nine_are_signed_out_and_the_dead_one_is_named` |
//! | SDP-IDP27 | their NameID is not encrypted | `sso::logout::everywhere::eight_of_nine_are_signed_out_and_the_dead_one_is_named` |
//! | SDP-IDP28 | LogoutResponses go out by Redirect | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success` |
//! | SDP-IDP29 | LogoutResponses are taken by Redirect | `sso::logout::answers::whatever_one_answers_the_next_is_told` |
//! | SDP-IDP30 | LogoutResponses are signed | `sso::logout::by_sp::by_redirect_all_are_signed_out_and_the_first_hears_success` |
//! | SDP-IDP31 | their status says whether the session here has ended | `sso::logout::by_sp::one_that_refuses_makes_it_partial_and_the_person_is_told_first`, `sso::logout::hostile::a_request_for_somebody_else_ends_nothing_and_says_so` |
//! | SDP-IDP32 | several signing certificates of an SP, all tried | `sso::signatures::any_certificate_of_the_sp_will_do` |
//! | SDP-IDP33 | metadata with SSO, logout, key, UIInfo, errorURL, Scope and contact | `sso::metadata::everything_that_is_configured_is_published_and_obeys_the_schemas` |
