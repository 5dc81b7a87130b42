from django.shortcuts import render
from gallery.models import Photo


def page(request):
    photos = {photo.image.name.partition(".")[0]: photo for photo in Photo.objects.all()}
    context = {
        **photos,
        "empty": Photo(),
        "options": {"crop": "top", "quality": 70},
        "html": '<p><img alt="A cat" src="/media/wide.jpg"> <img src="https://other.example/x"></p>',
        "markdown": "Text ![A cat](/media/wide.jpg) text",
    }
    return render(request, "page.html", context)
