(function () {
    var link = document.getElementById('errorDetailsLink');
    var details = document.getElementById('errorDetails');
    function line(label, value) {
        var item = document.createElement('li');
        item.textContent = label + ': ' + value;
        details.appendChild(item);
    }
    function toggle(event) {
        event.preventDefault();
        details.hidden = !details.hidden;
        link.setAttribute('aria-expanded', String(!details.hidden));
    }
    line(details.dataset.cookie, navigator.cookieEnabled ? details.dataset.enabled : details.dataset.disabled);
    line(details.dataset.userAgent, navigator.userAgent);
    link.addEventListener('click', toggle);
    link.addEventListener('keydown', function (event) { if (event.key === ' ') { toggle(event); } });
})();
