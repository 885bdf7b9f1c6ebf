// Before anything is drawn: the theme that was chosen, if any was.
"use strict";
try {
  const theme = localStorage.getItem("twin-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch (error) { /* storage is switched off */ }
