//! Many programs at once lose nothing.

use notify_tests::{Notify, sections};

const AT_ONCE: usize = 20;

#[test]
fn twenty_that_add_a_target_at_once_all_succeed() {
    let known: String = (0..200)
        .map(|number| sections::sendmail(&format!("old{number}"), &["a@example.com"]))
        .collect();
    let notify = Notify::new().file("notifications.cfg", known);
    let added = |number: usize| {
        let name = format!("new{number}");
        notify.run(&[
            "target",
            "add",
            "sendmail",
            &name,
            "--mailto",
            "b@example.com",
        ])
    };
    let runs: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || added(number)))
            .collect();
        running
            .into_iter()
            .map(|run| run.join().expect("it ends"))
            .collect()
    });
    for run in runs {
        let _ = run.expect_code(0);
    }
    let public = notify.read("notifications.cfg");
    for number in 0..AT_ONCE {
        assert_eq!(
            public.matches(&format!("sendmail: new{number}\n")).count(),
            1,
            "{number}"
        );
    }
    assert_eq!(public.matches("sendmail: ").count(), 200 + AT_ONCE);
}
