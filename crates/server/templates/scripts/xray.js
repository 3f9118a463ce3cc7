(function () {
    var button = document.getElementById('copyButton');
    var label = button.textContent;
    if (!navigator.clipboard) { return; }
    button.hidden = false;
    button.addEventListener('click', function () {
        navigator.clipboard.writeText(document.getElementById('rawXml').textContent).then(function () {
            button.textContent = button.dataset.copied;
            window.setTimeout(function () { button.textContent = label; }, 2000);
        });
    });
})();
