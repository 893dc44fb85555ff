from django import forms

from photos.models import MAX_BYTES, Photo


class UploadForm(forms.ModelForm):
    class Meta:
        model = Photo
        fields = ["original", "title"]
        widgets = {
            "original": forms.FileInput(
                attrs={"accept": "image/jpeg,image/png,image/webp", "data-max-bytes": MAX_BYTES}
            ),
            "title": forms.TextInput(attrs={"placeholder": "Untitled"}),
        }
