from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.shortcuts import render
from gallery.models import Photo


def page(request):
    photos = {photo.image.name.partition(".")[0]: photo for photo in Photo.objects.all()}
    resized = Photo()
    with photos["wide"].image.open() as file:
        resized.resized.save("a.png", ContentFile(file.read()), save=False)
    context = {
        **photos,
        "empty": Photo(),
        "resized": resized,
        "size": (70, 70),
        "storage": default_storage,
    }
    return render(request, "page.html", context)
