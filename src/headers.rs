//! The shared vocabulary, which every room may know: the grammar of tokens and lists with its limits, Fetch's tables of
//! names, and membership in `Vary`. In: header names and values. Out: what they hold. Nothing here knows a policy.

mod cors;
mod fetch;
mod list;
mod response;
mod token;
mod vary;

pub(crate) use cors::{
    ALLOW_PRIVATE_NETWORK, REQUEST_PRIVATE_NETWORK, SEC_FETCH_SITE, cors_response_headers, is_cors_response_header,
};
pub(crate) use fetch::{
    is_forbidden_method, is_forbidden_request_header, is_forbidden_response_header, is_safelisted_method,
    is_safelisted_request_header, is_safelisted_response_header, safelisted_value,
};
pub(crate) use list::{ListTooLong, MAX_LIST_BYTES, MAX_LIST_NAMES, elements, join_names};
pub(crate) use response::is_only_in_responses;
pub(crate) use token::{METHODS, is_token, one_of};
pub(crate) use vary::varies_on;
