//! What is written beside the code, and the order of the code itself.

/// Which room may know which, and how large a file and a function may be.
mod house;
/// Codes, features, examples and links of the pages.
mod pages;
