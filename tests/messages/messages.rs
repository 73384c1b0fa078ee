//! What the compiler says to the mistakes that people make with a layer: each program of `wrong` fails to compile, and the
//! text beside it is what its author reads, by Rust 1.95. `TRYBUILD=overwrite` writes the texts anew; read the difference.

#[test]
fn a_mistake_is_told_with_its_way_out() {
    trybuild::TestCases::new().compile_fail("wrong/*.rs");
}
