//! The cost of a step follows what changed, not what exists.

use super::*;

#[test]
fn one_sample_among_ten_thousand_rules_touches_its_readers_only() {
    const RULES: u32 = 10_000;
    let mut catalog = Catalog::default();
    for index in 0..RULES {
        catalog.add_point(spec(&alloc::format!("p{index}.power"), "W", Some(3600))).unwrap();
    }
    let output = add_output(&mut catalog, "a", OutputKind::Contact, Wanted::OPEN);
    let mut site = Site::of(catalog);
    for index in 0..RULES {
        let point = alloc::format!("p{index}.power");
        site.rule(
            &alloc::format!("r{index}"),
            &above(&point, "1 W"),
            None,
            ask(output, Wanted::CLOSED),
            |_| {},
        );
    }
    let mut run = site.start();
    run.step(ms(0), &[]);
    let evaluations =
        |run: &Run| run.engine.counters().rules.iter().map(|rule| rule.evaluations).sum::<u64>();
    assert_eq!(evaluations(&run), u64::from(RULES), "everything once at the start");
    run.set(ms(1000), PointId(77), 5.0);
    assert_eq!(run.wanted(output), Wanted::CLOSED);
    assert_eq!(evaluations(&run), u64::from(RULES) + 1);
    run.set(ms(2000), PointId(77), 5.0);
    run.step(ms(3000), &[]);
    assert_eq!(evaluations(&run), u64::from(RULES) + 1, "the same value again concerns nobody");
}
