// Runs at the end of every page's body; a theme may replace it whole.

// The value of a style property as the browser computed it, or null.
function getStyle(element, styleProp) {
    var computed = window.getComputedStyle(element, null);
    return computed ? computed.getPropertyValue(styleProp) : null;
}

// The illustration is loaded only where it is seen: a phone hides the branding and saves the picture.
function computeLoadIllustration() {
    var branding = document.getElementById('branding');
    var wrapper = document.getElementById('brandingWrapper');
    if (!branding || !wrapper || getStyle(wrapper, 'display') === 'none') { return; }
    if (branding.className.indexOf('illustrationClass') === -1) {
        branding.className = (branding.className + ' illustrationClass').trim();
    }
}

// Shows another picture in place of the theme's illustration.
function SetIllustrationImage(imageUri) {
    var branding = document.getElementById('branding');
    if (branding) { branding.style.backgroundImage = 'url(' + JSON.stringify(String(imageUri)) + ')'; }
}

if (document.getElementById('branding')) {
    computeLoadIllustration();
    window.addEventListener('resize', computeLoadIllustration);
    window.addEventListener('load', computeLoadIllustration);
}
