//! In which steps a derived point moves.

use super::tests::read;
use ballast_model::catalog::Noun;

#[test]
fn a_derived_point_is_as_coarse_as_the_coarsest_of_its_points() {
    let draft = read(
        "
buses: { broker: { driver: mqtt } }
devices:
  m: { bus: broker, points: { a: { unit: Hz, resolution: 1 Hz }, b: { unit: Hz, resolution: 10 mHz }, c: { unit: Hz } } }
derived:
  middle: { median: [m.a, m.b, m.c] }
  first: { first_good: [m.b, m.c] }
  again: { first_good: [site.middle] }
  silent: { median: [m.c] }
  all: { sum: [m.a, m.b] }
  moved: { expression: m.a - 49.6 Hz }
  half: { expression: m.b / 2 }
  spread: { expression: site.moved - m.b }
  mean: { expression: \"avg(m.a, 1 min)\" }
  open: { expression: m.a - m.c }
",
    );
    let computed = |name: &str| {
        let Some(Noun::Point(point)) = draft.catalog.resolve(name) else { panic!("{name}") };
        draft.catalog.steps.get(&point).map(|steps| (steps.width.get(), steps.from.get()))
    };
    assert_eq!([computed("site.again"), computed("site.all")], [Some((1.0, 0.0)); 2]);
    assert_eq!([computed("site.moved"), computed("site.spread")], [Some((1.0, -49.6)); 2]);
    assert_eq!(computed("site.half"), Some((0.005, 0.0)));
    assert_eq!(
        [computed("site.mean"), computed("site.open")],
        [None; 2],
        "a mean is finer, and unknown is no word"
    );
    let step = |name: &str| {
        let Some(Noun::Point(point)) = draft.catalog.resolve(name) else { panic!("{name}") };
        draft.catalog.point(point).unwrap().resolution.map(|step| step.get())
    };
    assert_eq!([step("site.middle"), step("site.again")], [Some(1.0); 2], "the whole hertz may be the one");
    assert_eq!(step("site.first"), Some(0.01));
    assert_eq!([step("site.silent"), step("site.all")], [None; 2]);
}
