"use strict";
(function () {
  var search = document.getElementById("search");
  var state = document.getElementById("state");
  var severity = document.getElementById("severity");
  var told = document.getElementById("told");
  var form = document.getElementById("filters");
  var all = function (selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); };
  var requirements = all("details.q");
  var rules = all("details.r");
  var groups = all("details.g");
  var rows = all("tr[data-row]");
  var words = new Map();
  function has(element, text) {
    if (!text) return true;
    if (!words.has(element)) words.set(element, element.textContent.toLowerCase());
    return words.get(element).indexOf(text) >= 0;
  }
  function apply() {
    var text = search.value.trim().toLowerCase();
    var wanted = state.value;
    var grade = severity.value;
    var isOn = Boolean(text || wanted || grade);
    var shown = 0, found = 0;
    // Parts stand after their wholes, so that a walk from the end meets them first.
    for (var i = requirements.length - 1; i >= 0; i--) {
      var each = requirements[i];
      var own = (!wanted || each.dataset.own === wanted) && (!grade || each.dataset.severities.split(" ").indexOf(grade) >= 0)
        && (!text || has(each.firstElementChild, text));
      var below = each.querySelector("details.q:not([hidden])") !== null;
      each.hidden = isOn && !own && !below;
      if (isOn && below) each.open = true;
      if (own) shown++;
    }
    rules.forEach(function (rule) {
      var fits = !grade || rule.dataset.severity === grade;
      var inHead = has(rule.firstElementChild, text);
      var some = false;
      all("tr[data-row]", rule).forEach(function (row) {
        var ok = fits && (inHead || has(row, text));
        row.hidden = !ok;
        if (ok) { some = true; found++; }
      });
      rule.hidden = isOn && !(fits && (some || inHead));
      if (text && some && !inHead) rule.open = true;
    });
    rows.forEach(function (row) {
      if (row.closest("details.r")) return;
      row.hidden = !has(row, text) || Boolean(grade && row.dataset.severity && row.dataset.severity !== grade);
    });
    groups.forEach(function (group) {
      var some = group.querySelector("tr[data-row]:not([hidden])") !== null;
      group.hidden = Boolean(text) && !some;
      if (text && some) group.open = true;
    });
    told.textContent = isOn ? shown + " requirements, " + found + " findings shown" : "";
  }
  var waiting = 0;
  function later() { clearTimeout(waiting); waiting = setTimeout(apply, 120); }
  search.addEventListener("input", later);
  state.addEventListener("change", apply);
  severity.addEventListener("change", apply);
  form.addEventListener("submit", function (event) { event.preventDefault(); apply(); });
  form.addEventListener("reset", function () { setTimeout(apply, 0); });
  function set(open) { all("details").forEach(function (each) { each.open = open; }); }
  document.getElementById("open").addEventListener("click", function () { set(true); });
  document.getElementById("close").addEventListener("click", function () { set(false); });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); search.focus(); }
  });
  // What a link names is opened, with everything around it.
  function reveal() {
    var name = decodeURIComponent(location.hash.slice(1));
    var target = name && document.getElementById(name);
    if (!target) return;
    for (var each = target; each; each = each.parentElement) {
      if (each.hidden) each.hidden = false;
      if (each.tagName === "DETAILS") each.open = true;
    }
    target.scrollIntoView();
    var focus = target.tagName === "DETAILS" ? target.firstElementChild : target;
    focus.focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", reveal);
  reveal();
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = all("details:not([open]):not(.w)");
    closed.forEach(function (each) { each.open = true; });
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (each) { each.open = false; });
  });
}());
