//! A permit is neither `Clone` nor `Copy` nor `Default`.
use ballast_guard::Permit;

fn is_clone<T: Clone>() {}
fn is_copy<T: Copy>() {}
fn is_default<T: Default>() {}

fn main() {
    is_clone::<Permit>();
    is_copy::<Permit>();
    is_default::<Permit>();
}
