//! What is kept of documents for joined rules is enough: whole documents say the same.

use crate::determinism::estate;
use crate::scene::{Scene, problem_lines};

fn check(scene: &Scene) {
    let report = scene.report(&["--verify-reads"]);
    let told: Vec<String> =
        problem_lines(&report).into_iter().filter(|line| line.contains("internal-error")).collect();
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn on_the_clinic() {
    check(&Scene::new().with_clinic());
}

#[test]
fn on_an_estate_of_a_thousand_resources() {
    let scene = Scene::new();
    for file in estate::generate(1000, 7) {
        scene.write(&file.path, &file.text);
    }
    check(&scene);
}
