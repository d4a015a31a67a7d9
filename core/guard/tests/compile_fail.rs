//! What must not compile: forging, copying and reusing a permit, a write of one's own, an output type of one's own.

#[test]
fn a_permit_cannot_be_forged_copied_or_used_twice() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

/// Compiles only while a permit cannot be read from a text: else the underscore below would be ambiguous.
#[test]
fn a_permit_cannot_be_read_from_a_text() {
    trait Readable<A> {
        fn exists() -> bool {
            true
        }
    }
    struct FromText;
    impl<T> Readable<()> for T {}
    impl<T: for<'de> serde::Deserialize<'de>> Readable<FromText> for T {}
    assert!(<ballast_guard::Permit as Readable<_>>::exists());
}
